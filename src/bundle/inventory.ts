import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { readFileLimited } from '../core/files.ts';
import { canonicalJson } from '../core/json.ts';
import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import { blobPath, type Digest, digestOf, isDigest } from '../oci/index.ts';
import { listLoaded, readLoadedIndex } from './load-state.ts';
import { isReusableFile } from './records.ts';
import { isSignatureOf, signBytes } from './sign.ts';

/** What a site has, to be carried back so that the next bundle is an exact delta: a small file. */
export interface Inventory {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'Inventory';
  readonly createdAt: string;
  /** The newest generation that was loaded; left out when none was. */
  readonly generation?: { readonly generation: number; readonly indexDigest: Digest };
  /** Sorted. */
  readonly blobs: readonly Digest[];
  /** sha256 (bare hex) of files on the web server and among the tools; sorted. */
  readonly files: readonly string[];
}

/**
 * The inventory of a bastion: of everything that loaded generations brought, what is still in the storage with its right size.
 * @throws AirlockError BUNDLE_INVALID, FILE_UNREADABLE
 */
export async function takeInventory(stateFolder: string, storageRoot: string, run: Run): Promise<Inventory> {
  const sizes = new Map<Digest, number>();
  const files = new Set<string>();
  const loaded = await listLoaded(stateFolder, run);
  for (const one of loaded) {
    const index = await readLoadedIndex(one, run);
    for (const blob of index.blobs) sizes.set(blob.digest, blob.size);
    for (const file of index.files) if (isReusableFile(file)) files.add(file.sha256);
  }
  const there = await mapLimited([...sizes], 16, async ([digest, size]) => {
    return (await run.disk.stat(path.join(storageRoot, blobPath(digest))))?.sizeBytes === size;
  });
  const last = loaded.at(-1)?.record;
  return {
    apiVersion: 'airlock/v1alpha1',
    kind: 'Inventory',
    createdAt: run
      .now()
      .toISOString()
      .replace(/\.\d{3}Z$/, 'Z'),
    ...(last ? { generation: { generation: last.generation, indexDigest: last.indexDigest } } : {}),
    blobs: [...sizes.keys()].filter((_, at) => there[at]).sort(),
    files: [...files].sort(),
  };
}

/**
 * The text of an inventory file: canonical JSON on the first line; on the second its digest and, when a key is given, the signature (ECDSA
 * P-256 over the first line, base64 DER).
 */
export function renderInventory(inventory: Inventory, signingKeyPem?: string): string {
  const body = canonicalJson(inventory);
  const signature = signingKeyPem === undefined ? '' : signBytes(Buffer.from(body), signingKeyPem);
  return `${body}\n${canonicalJson({ digest: digestOf(body), signature })}\n`;
}

/** How `renderInventory` begins. */
const inventoryMark = '{"apiVersion":"airlock/v1alpha1","blobs":[';

/** Whether a file is an inventory, whole or damaged; an empty one is on its way to be. */
export async function isInventory(file: string, run: Run): Promise<boolean> {
  const handle = await run.disk.open(file, 'read');
  try {
    const start = Buffer.alloc(inventoryMark.length);
    const count = await handle.read(start, 0);
    return count === 0 || start.toString('latin1') === inventoryMark;
  } finally {
    await handle.close();
  }
}

/**
 * Reads an inventory file, for `build --base`. With a public key the signature has to fit.
 * @throws AirlockError FILE_NOT_FOUND, INVENTORY_INVALID
 */
export async function readInventory(file: string, publicKeyPem: string | undefined, run: Run): Promise<Inventory> {
  const text = (await readFileLimited(file, run, 1 << 28)).toString('utf8');
  const [body = '', seal = ''] = text.split('\n');
  const fail = (why: string): never => {
    throw new AirlockError('INVENTORY_INVALID', `${file} cannot be used as base: ${why}`, {
      hint: 'export it again on the bastion: airlock inventory export',
    });
  };
  let parsed: { readonly value: Inventory; readonly digest: string; readonly signature: string };
  try {
    parsed = { value: JSON.parse(body) as Inventory, ...(JSON.parse(seal) as { digest: string; signature: string }) };
  } catch {
    return fail('it is not an inventory');
  }
  const { value, digest, signature } = parsed;
  if (value.apiVersion !== 'airlock/v1alpha1' || value.kind !== 'Inventory') return fail('it is not an inventory');
  if (digest !== digestOf(body)) return fail('it was damaged or changed');
  if (publicKeyPem !== undefined && !isSignatureOf(Buffer.from(body), String(signature), publicKeyPem))
    return fail('its signature does not fit the given key');
  if (!Array.isArray(value.blobs) || !value.blobs.every(isDigest) || !Array.isArray(value.files))
    return fail('its lists are wrong');
  return value;
}
