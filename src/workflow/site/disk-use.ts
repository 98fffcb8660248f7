import { statfs } from 'node:fs/promises';
import path from 'node:path';

/** Of the file system that holds a folder; a folder that is not there yet counts as its nearest parent. */
export interface DiskUse {
  readonly folder: string;
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** How full the file systems under folders are. */
export async function readDiskUse(folders: readonly string[]): Promise<DiskUse[]> {
  return Promise.all(folders.map(diskUse));
}

async function diskUse(folder: string): Promise<DiskUse> {
  for (let at = folder; ; at = path.dirname(at)) {
    try {
      const { blocks, bfree, bavail, bsize } = await statfs(at);
      return { folder, usedBytes: (blocks - bfree) * bsize, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    } catch (error) {
      if (at === path.dirname(at)) throw error;
    }
  }
}
