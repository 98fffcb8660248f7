import { copyFile, truncate } from 'node:fs/promises';
import type { Run } from '../../core/run.ts';

export interface LogRotation {
  /** Default 10 MiB. */
  readonly maxBytes?: number;
  /** How many older ones are kept, as `FILE.1` (the newest) and so on; default 3. */
  readonly keep?: number;
}

/**
 * Sets a log aside when it has grown too large. It is copied and cut and not renamed: processes hold it open to append, and go on at its
 * new end. Returns whether it was.
 */
export async function rotateLog(file: string, rotation: LogRotation, run: Run): Promise<boolean> {
  const { maxBytes = 10 << 20, keep = 3 } = rotation;
  if (((await run.disk.stat(file))?.sizeBytes ?? 0) <= maxBytes) return false;
  for (let at = keep - 1; at >= 1; at -= 1)
    if (await run.disk.stat(`${file}.${at}`)) await run.disk.rename(`${file}.${at}`, `${file}.${at + 1}`);
  await copyFile(file, `${file}.1`);
  await truncate(file);
  return true;
}
