import path from 'node:path';
import type { Run } from '../core/run.ts';
import { type Digest, digestAlgorithm, digestHex } from '../oci/index.ts';
import { type Bundle, isHere, locateMember } from './bundle.ts';
import type { IndexedBlob } from './format.ts';
import { assertSpace } from './load-space.ts';
import { configurationPlacements, incomingFolder } from './load-state.ts';
import { findNeededPieces } from './needed-pieces.ts';
import { type Placement, placeAll } from './place-data.ts';
import { findAbsent } from './place-files.ts';
import { measureSpans, placeSpans } from './place-spans.ts';
import { stretchesHere } from './stretches.ts';

/** A blob that waits on this host as a file of its own. */
export interface KeptFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Blobs of a bundle whose bytes are in no volume or part at hand, or not all of them. */
export function findAway(bundle: Bundle): IndexedBlob[] {
  if (!bundle.parts && bundle.volumes.every((volume) => volume.foundBytes !== undefined)) return [];
  return bundle.index.blobs.filter((blob) => !isHere(bundle, { source: locateMember(bundle, blob), size: blob.size }));
}

/**
 * Keeps what an external registry cannot take yet of a bundle that comes medium by medium: manifests (a registry wants their blobs first), the
 * configuration, and blobs that a cut divides. `isThere`: blobs that the registry has; they are not waited for. Returns what waits, whole.
 * @throws AirlockError SPACE_SHORT, BUNDLE_DAMAGED, DISK_FULL, FILE_UNWRITABLE
 */
export async function keepIncoming(
  bundle: Bundle,
  stateFolder: string,
  isThere: (digest: Digest) => boolean,
  run: Run,
): Promise<ReadonlyMap<Digest, KeptFile>> {
  const folder = incomingFolder(stateFolder, bundle);
  const manifests = bundle.index.blobs.filter((blob) => blob.kind === 'manifest');
  const divided = findAway(bundle).filter((blob) => blob.kind !== 'manifest' && !isThere(blob.digest));
  const blobs = [...manifests, ...divided].map((blob) => blobPlacement(bundle, blob, folder));
  const todo = await findAbsent([...blobs, ...configurationPlacements(stateFolder, bundle)], run);
  const whole = todo.filter((one) => isHere(bundle, one));
  const pieces = todo.filter((one) => !isHere(bundle, one) && stretchesHere(bundle, one).length > 0);
  const staging = path.join(folder, 'spans');
  await assertSpace([...whole, ...(await measureSpans(pieces, bundle, staging, run))], run);
  await placeAll(whole, path.join(folder, 'placing'), run);
  await placeSpans(pieces, bundle, staging, run);
  const absent = new Set(await findAbsent(blobs, run));
  const kept = blobs.filter((one) => !absent.has(one));
  return new Map(kept.map(({ name, target, size }) => [name as Digest, { path: target, sizeBytes: size }]));
}

/** Names of the parts, or volumes, that hold bytes of blobs which are neither at hand nor `isThere`. */
export function findNeededIncoming(
  bundle: Bundle,
  stateFolder: string,
  isThere: (digest: Digest) => boolean,
  run: Run,
): Promise<readonly string[]> {
  const folder = incomingFolder(stateFolder, bundle);
  const waiting = findAway(bundle).filter(({ digest }) => !isThere(digest));
  const staging = path.join(folder, 'spans');
  return findNeededPieces(
    bundle,
    waiting.map((blob) => ({ placement: blobPlacement(bundle, blob, folder), staging })),
    run,
  );
}

/** Removes all that waits of a bundle: it is loaded. */
export async function dropIncoming(bundle: Bundle, stateFolder: string, run: Run): Promise<void> {
  const folder = incomingFolder(stateFolder, bundle);
  await run.disk.remove(folder);
  const above = path.dirname(folder);
  if ((await run.disk.list(above)).length === 0) await run.disk.remove(above);
}

function blobPlacement(bundle: Bundle, { digest, size, volume, offset, kind }: IndexedBlob, folder: string): Placement {
  const [algorithm, hex] = [digestAlgorithm(digest), digestHex(digest)];
  const target = path.join(folder, kind === 'manifest' ? 'manifests' : 'blobs', `${algorithm}-${hex}`);
  return { name: digest, source: locateMember(bundle, { volume, offset }), size, algorithm, hex, target, mode: 0o644 };
}
