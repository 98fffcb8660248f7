import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import { checkSpace } from '../plan/index.ts';
import type { Placement } from './place-data.ts';

/** What one file system is to take. */
interface Share {
  readonly folder: string;
  readonly sizes: number[];
}

/**
 * Refuses a load that will not fit, before its first byte: what has to be placed, in whole blocks, for each file system that takes some of it.
 * @throws AirlockError SPACE_SHORT
 */
export async function assertSpace(placements: readonly Placement[], run: Run): Promise<void> {
  const shares = new Map<number, Share>();
  const devices = new Map<string, Promise<number>>();
  for (const { target, size } of placements) {
    const folder = path.dirname(target);
    const known = devices.get(folder) ?? deviceOf(folder, run);
    devices.set(folder, known);
    const device = await known;
    const share = shares.get(device) ?? { folder, sizes: [] };
    shares.set(device, share);
    share.sizes.push(size);
  }
  for (const { folder, sizes } of shares.values()) {
    const space = await run.disk.space(folder);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const allocatedBytes = sizes.reduce((sum, size) => sum + Math.ceil(size / space.blockBytes) * space.blockBytes, 0);
    const need = { host: 'bastion', purpose: 'registry', bytes, allocatedBytes, files: sizes.length } as const;
    const short = checkSpace(need, await existingParent(folder, run), space);
    if (short)
      throw new AirlockError('SPACE_SHORT', `${short.subject} ${short.message}`, {
        ...(short.hint ? { hint: short.hint } : {}),
        details: { findings: [short] },
      });
  }
}

async function deviceOf(folder: string, run: Run): Promise<number> {
  return (await run.disk.stat(await existingParent(folder, run)))?.device ?? 0;
}

async function existingParent(folder: string, run: Run): Promise<string> {
  for (let at = folder; ; at = path.dirname(at))
    if ((await run.disk.stat(at)) !== undefined || at === path.dirname(at)) return at;
}
