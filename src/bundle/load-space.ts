import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import { checkSpace } from '../plan/index.ts';
import type { Placement } from './place-data.ts';

/** What one file system is to take. */
interface Share {
  readonly folder: string;
  readonly sizes: number[];
}

/** What one file system is to take, and what it has. */
export interface LoadSpace {
  /** The nearest folder that is there. */
  readonly folder: string;
  readonly bytes: number;
  /** In whole blocks. */
  readonly allocatedBytes: number;
  readonly files: number;
  readonly freeBytes: number;
  /** Where it does not fit. */
  readonly finding?: Finding;
}

/**
 * Refuses a load that will not fit, before its first byte.
 * @throws AirlockError SPACE_SHORT
 */
export async function assertSpace(placements: readonly Placement[], run: Run): Promise<void> {
  for (const { finding } of await measureSpace(placements, run))
    if (finding)
      throw new AirlockError('SPACE_SHORT', `${finding.subject} ${finding.message}`, {
        ...(finding.hint ? { hint: finding.hint } : {}),
        details: { findings: [finding] },
      });
}

/** What has to be placed, in whole blocks, for each file system that takes some of it. */
export async function measureSpace(placements: readonly Placement[], run: Run): Promise<LoadSpace[]> {
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
  const found: LoadSpace[] = [];
  for (const { folder, sizes } of shares.values()) {
    const space = await run.disk.space(folder);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const allocatedBytes = sizes.reduce((sum, size) => sum + Math.ceil(size / space.blockBytes) * space.blockBytes, 0);
    const need = { bytes, allocatedBytes, files: sizes.length };
    const parent = await existingParent(folder, run);
    const finding = checkSpace({ host: 'bastion', purpose: 'registry', ...need }, parent, space);
    found.push({ folder: parent, ...need, freeBytes: space.freeBytes, ...(finding ? { finding } : {}) });
  }
  return found;
}

async function deviceOf(folder: string, run: Run): Promise<number> {
  return (await run.disk.stat(await existingParent(folder, run)))?.device ?? 0;
}

async function existingParent(folder: string, run: Run): Promise<string> {
  for (let at = folder; ; at = path.dirname(at))
    if ((await run.disk.stat(at)) !== undefined || at === path.dirname(at)) return at;
}
