import type { DiskSpace } from '../core/disk.ts';
import type { Finding } from '../core/findings.ts';
import { formatBytes } from '../core/units.ts';

/** What one folder needs. `bytes` counts content exactly, `allocatedBytes` whole blocks with those of folders, `files` inodes. */
export interface SpaceNeed {
  readonly host: 'connected' | 'bastion';
  readonly purpose: 'bundle' | 'parts' | 'workspace' | 'registry' | 'web' | 'tools' | 'files' | 'state';
  readonly bytes: number;
  readonly allocatedBytes: number;
  readonly files: number;
}

/** Files that a folder gets: paths below it, with their sizes. */
export interface PlannedFiles {
  readonly host: SpaceNeed['host'];
  readonly purpose: SpaceNeed['purpose'];
  readonly files: ReadonlyMap<string, number>;
}

/** What files need on a file system of that block size; the folders above them take a block each. */
export function measureNeed({ host, purpose, files }: PlannedFiles, blockBytes: number): SpaceNeed {
  const folders = new Set<string>();
  let [bytes, blocks] = [0, 0];
  for (const [file, size] of files) {
    bytes += size;
    blocks += Math.ceil(size / blockBytes);
    for (let slash = file.lastIndexOf('/'); slash > 0; slash = file.lastIndexOf('/', slash - 1)) {
      const folder = file.slice(0, slash);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  const allocatedBytes = (blocks + folders.size) * blockBytes;
  return { host, purpose, bytes, allocatedBytes, files: files.size + folders.size };
}

/** A finding when a folder on this host cannot hold its need; `doneBytes` is what an interrupted run has written there already. */
export function checkSpace(need: SpaceNeed, folder: string, space: DiskSpace, doneBytes = 0): Finding | undefined {
  const missing = need.allocatedBytes - doneBytes - space.freeBytes;
  if (missing <= 0) return undefined;
  return {
    code: 'SPACE_SHORT',
    severity: 'error',
    subject: folder,
    message: `needs ${formatBytes(need.allocatedBytes - doneBytes)} (${need.allocatedBytes - doneBytes} bytes), has ${formatBytes(space.freeBytes)} free`,
    hint: `free ${formatBytes(missing)} there or choose another folder`,
  };
}
