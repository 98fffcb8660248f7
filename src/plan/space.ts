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

/** What files need on a file system of that block size: theirs, and the blocks of the lists of all folders, the one that they go to as well. */
export function measureNeed({ host, purpose, files }: PlannedFiles, blockBytes: number): SpaceNeed {
  const folders = new Map<string, number>();
  let [bytes, blocks] = [0, 0];
  for (const [file, size] of files) {
    bytes += size;
    blocks += Math.ceil(size / blockBytes);
    for (let name = file; name !== ''; ) {
      const slash = name.lastIndexOf('/');
      const folder = name.slice(0, Math.max(0, slash));
      const listed = folders.get(folder);
      folders.set(folder, (listed ?? emptyListBytes) + entryBytes(name.length - slash - 1));
      if (listed !== undefined) break;
      name = folder;
    }
  }
  for (const listBytes of folders.values()) blocks += listBlocks(listBytes, blockBytes);
  return { host, purpose, bytes, allocatedBytes: blocks * blockBytes, files: files.size + folders.size };
}

/** `.` and `..` in the list of a folder. */
const emptyListBytes = 24;

/** What a name takes in the list of its folder. @see Linux, "ext4 Directory Entries": 8 bytes before the name, padded to 4 */
function entryBytes(nameBytes: number): number {
  return 8 + Math.ceil(nameBytes / 4) * 4;
}

/** A list of more than one block is a tree whose leaves, cut in halves when they are full, are seven tenths full in the end. */
function listBlocks(listBytes: number, blockBytes: number): number {
  return listBytes <= blockBytes ? 1 : 1 + Math.ceil(listBytes / (0.7 * blockBytes));
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
