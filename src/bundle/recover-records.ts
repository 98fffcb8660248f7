import path from 'node:path';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import { findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import type { Bundle } from './bundle.ts';
import { openBundle } from './open.ts';
import { findRecord, type GenerationRecord, recordOf, writeRecord } from './records.ts';
import { sideNames } from './seal.ts';

/**
 * Writes the records of sealed generations below DIR that the workspace does not know: a crash came between the last rename and the record, or the
 * workspace was lost. Without them the next plan would take a number that is taken, and carry everything again. Returns their numbers.
 * @throws AirlockError GENERATION_EXISTS for a folder of such a name that holds something else, FILE_UNWRITABLE, DISK_FULL
 */
export async function recoverRecords(folder: string, workspace: string, run: Run): Promise<number[]> {
  const recovered: number[] = [];
  for (const { name } of await run.disk.list(folder)) {
    const number = /^gen-([0-9]{6})$/.exec(name)?.[1];
    if (number === undefined || (await findRecord(workspace, Number(number), run))) continue;
    const bundle = await openOwn(path.join(folder, name), Number(number), run);
    await writeRecord(workspace, await recordOfSealed(bundle, run), run);
    recovered.push(Number(number));
  }
  return recovered;
}

/** The record of a sealed bundle from its folder. */
export async function recordOfSealed(bundle: Bundle, run: Run): Promise<GenerationRecord> {
  const sums = await readSums(bundle.folder, run);
  const volumes = bundle.volumes.map(({ name, sizeBytes }) => ({ name, sizeBytes, sha256: sums.get(name) ?? '' }));
  const { indexDigest, facts } = bundle;
  return recordOf(bundle.index, { indexDigest, signature: facts.signature, volumes });
}

/** sha256 (bare hex) of the volumes of a sealed generation by name, as the build noted them; empty where the note is gone. */
export async function readSums(folder: string, run: Run): Promise<ReadonlyMap<string, string>> {
  const text = (await findFile(path.join(folder, sideNames.sums), run))?.toString('utf8') ?? '';
  return new Map(text.split('\n').map((line) => [line.slice(66), line.slice(0, 64)]));
}

async function openOwn(folder: string, generation: number, run: Run): Promise<Bundle> {
  let cause: unknown;
  try {
    const [bundle] = await openBundle(folder, run);
    if (bundle && bundle.kind !== 'foreign' && bundle.index.generation === generation) return bundle;
  } catch (error) {
    if (!isAirlockError(error, 'BUNDLE_NOT_FOUND', 'BUNDLE_INVALID', 'BUNDLE_DAMAGED')) throw error;
    cause = error;
  }
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  throw new AirlockError('GENERATION_EXISTS', `${folder} is there already and is not in the records${why}`, {
    hint: 'move it away, or name the workspace that it was built with (--workspace)',
    cause,
  });
}
