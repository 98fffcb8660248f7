import {
  fingerprintKey,
  type Inventory,
  isInventory,
  publicKeyOf,
  renderInventory,
  takeInventory,
} from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { type BastionRequest, findBastion } from './bastion.ts';
import { readSigningKey } from './signing-key.ts';

export interface InventoryRequest extends BastionRequest {
  /** Where the inventory goes. */
  readonly file: string;
  readonly signingKeyFile?: string | undefined;
}

/** What was written. */
export interface InventoryResult {
  readonly file: string;
  readonly sizeBytes: number;
  /** The newest loaded generation. */
  readonly generation?: Inventory['generation'];
  readonly blobs: number;
  readonly files: number;
  /** sha256 of the key that signed it; left out: unsigned. */
  readonly keyFingerprint?: string;
}

/**
 * Writes what the bastion holds into a small file, to be carried back for `build --base`.
 * @throws AirlockError USAGE for a file that is there and no inventory, NOTHING_LOADED, SIGNING_KEY_INVALID, and those of `findBastion` and the disk
 */
export async function exportInventory(request: InventoryRequest, run: Run): Promise<InventoryResult> {
  await assertOwn(request.file, run);
  const { storage, state } = await findBastion(request, run);
  const key = await readSigningKey(request.signingKeyFile, run);
  const keyFingerprint = key === undefined ? undefined : fingerprintKey(publicKeyOf(key));
  const inventory = await takeInventory(state, storage, run);
  if (!inventory.generation) {
    throw new AirlockError('NOTHING_LOADED', `no bundle was loaded here: ${state} has no record of one`, {
      hint: 'load one first, or name the folder of the load records with --state-dir',
    });
  }
  const text = renderInventory(inventory, key);
  await writeFileAtomic(request.file, text, run);
  return {
    file: request.file,
    sizeBytes: Buffer.byteLength(text),
    generation: inventory.generation,
    blobs: inventory.blobs.length,
    files: inventory.files.length,
    ...(keyFingerprint === undefined ? {} : { keyFingerprint }),
  };
}

/** An earlier inventory is replaced; anything else was named by mistake, and may be all that somebody has of it. */
async function assertOwn(file: string, run: Run): Promise<void> {
  const kind = (await run.disk.stat(file))?.kind;
  if (kind === 'directory')
    throw new AirlockError('USAGE', `${file} is a folder`, { hint: `name a file in it: ${file}/inventory.json` });
  if (kind !== 'file' || (await isInventory(file, run))) return;
  throw new AirlockError('USAGE', `${file} is there already, and no inventory`, { hint: 'name another file' });
}
