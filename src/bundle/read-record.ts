import { AirlockError } from '../core/errors.ts';
import { findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';

/**
 * Reads a record of a generation; undefined when there is none. `mend` says how to do without a damaged one.
 * @throws AirlockError RECORD_DAMAGED
 */
export async function readRecord<R extends { readonly generation: number }>(
  file: string,
  mend: string,
  run: Run,
): Promise<R | undefined> {
  const bytes = await findFile(file, run, 1 << 30);
  if (!bytes) return undefined;
  try {
    const record = JSON.parse(bytes.toString('utf8')) as R | null;
    if (typeof record?.generation === 'number') return record;
  } catch {
    // Said below.
  }
  throw new AirlockError('RECORD_DAMAGED', `${file} is damaged`, { hint: `remove that file, and ${mend}` });
}
