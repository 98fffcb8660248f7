import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import { checkSpace } from '../plan/index.ts';
import type { Placement } from './place-data.ts';

/** A file that is to be written, and how many bytes of it. */
export type FileNeed = Pick<Placement, 'target' | 'size'>;

/** What one file system is to take. */
interface Share {
  /** The nearest folder that is there. */
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
export async function assertSpace(needs: readonly FileNeed[], run: Run): Promise<void> {
  for (const { finding } of await measureSpace(needs, run))
    if (finding)
      throw new AirlockError('SPACE_SHORT', `${finding.subject} ${finding.message}`, {
        ...(finding.hint ? { hint: finding.hint } : {}),
        details: { findings: [finding] },
      });
}

/** What has to be placed, in whole blocks, for each file system that takes some of it. */
export async function measureSpace(needs: readonly FileNeed[], run: Run): Promise<LoadSpace[]> {
  const shares = new Map<number, Share>();
  const find = createFinder(run);
  for (const { target, size } of needs) {
    const folder = path.dirname(target);
    const { parent, device } = await find(folder);
    const share = shares.get(device) ?? { folder: parent, sizes: [] };
    shares.set(device, share);
    share.sizes.push(size);
  }
  const found: LoadSpace[] = [];
  for (const { folder, sizes } of shares.values()) {
    const space = await run.disk.space(folder);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const allocatedBytes = sizes.reduce((sum, size) => sum + Math.ceil(size / space.blockBytes) * space.blockBytes, 0);
    const need = { bytes, allocatedBytes, files: sizes.length };
    const finding = checkSpace({ host: 'bastion', purpose: 'registry', ...need }, folder, space);
    found.push({ folder, ...need, freeBytes: space.freeBytes, ...(finding ? { finding } : {}) });
  }
  return found;
}

/** The nearest folder that is there, itself or above. */
interface Nearest {
  readonly parent: string;
  readonly device: number;
}

/** Asks for a folder only when the one above it is there, and once: a load into an empty storage has thousands below one that is not. */
function createFinder(run: Run): (folder: string) => Promise<Nearest> {
  const known = new Map<string, Promise<Nearest>>();
  const look = async (folder: string): Promise<Nearest> => {
    const above = path.dirname(folder);
    const nearest = folder === above ? undefined : await find(above);
    if (nearest && nearest.parent !== above) return nearest;
    const stat = await run.disk.stat(folder);
    if (stat) return { parent: folder, device: stat.device };
    return nearest ?? { parent: folder, device: 0 };
  };
  const find = (folder: string): Promise<Nearest> => {
    const found = known.get(folder) ?? look(folder);
    known.set(folder, found);
    return found;
  };
  return find;
}
