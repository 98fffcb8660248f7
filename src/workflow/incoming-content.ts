import { type Bundle, dropIncoming, findAway, type KeptFile, keepIncoming } from '../bundle/index.ts';
import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import type { MirrorTarget } from '../manifests/index.ts';
import { type CopyContent, type CopyOptions, type CopyResult, copyLooseBlobs, type Digest } from '../oci/index.ts';
import { findHolders, type Holders } from './assumed-content.ts';
import type { RemoteClients } from './clients.ts';

/** What of bundles that come medium by medium is known to be somewhere, beside the volumes and parts at hand. */
export interface Incoming {
  /** Waiting on this host: manifests, and blobs that a cut divided. */
  readonly kept: ReadonlyMap<Digest, KeptFile>;
  /** At the target already: the repository (whole name) that has it. */
  readonly places: ReadonlyMap<Digest, string>;
  /** In no volume or part at hand. */
  readonly away: ReadonlySet<Digest>;
  /** Repositories of the target that are to have a digest, by the index. */
  readonly homes: Holders;
}

// A base layer may belong to hundreds of repositories: asking all of them for each medium would take longer than sending it again.
const askedHomes = 8;

/**
 * Asks the target for everything that is away, and keeps in `waitingFolder` what it cannot take yet.
 * @throws AirlockError as `keepIncoming`, and errors of the target
 */
export async function takeIncoming(
  bundles: readonly Bundle[],
  target: MirrorTarget,
  clients: RemoteClients,
  waitingFolder: string,
  run: Run,
): Promise<Incoming> {
  const missing = bundles.flatMap(findAway);
  const homes = findHolders(bundles, target, new Set(bundles.flatMap(({ index }) => index.blobs.map((b) => b.digest))));
  const places = new Map<Digest, string>();
  await mapLimited(missing, 32, async (blob) => {
    for (const repository of homes(blob.digest).slice(0, askedHomes)) {
      const place = { registry: target.registry, repository };
      const isThere =
        blob.kind === 'manifest'
          ? (await clients.remote.findManifest({ ...place, digest: blob.digest }, run)) !== undefined
          : await clients.remote.hasBlob(place, blob, run);
      if (!isThere) continue;
      places.set(blob.digest, repository);
      return;
    }
  });
  const kept = new Map<Digest, KeptFile>();
  for (const bundle of bundles)
    for (const [digest, file] of await keepIncoming(bundle, waitingFolder, (one) => places.has(one), run))
      kept.set(digest, file);
  return { kept, places, away: new Set(missing.map((blob) => blob.digest)), homes };
}

/**
 * Sends blobs that no image at the target needs yet, each to the first repository that is to have it: the manifests follow when the last blob of
 * an image has come, and mount it elsewhere.
 */
export async function sendLoose(
  bundles: readonly Bundle[],
  incoming: Incoming,
  done: ReadonlySet<Digest>,
  content: Pick<CopyContent, 'openBlob'>,
  settings: CopyOptions,
  run: Run,
): Promise<CopyResult> {
  const { kept, away, homes } = incoming;
  const groups = new Map<string, { digest: Digest; mediaType: string; size: number }[]>();
  for (const { digest, mediaType, size, kind } of bundles.flatMap(({ index }) => index.blobs)) {
    const [home] = homes(digest);
    const isAtHand = kept.has(digest) || !away.has(digest);
    if (kind === 'manifest' || done.has(digest) || !isAtHand || home === undefined) continue;
    groups.set(home, [...(groups.get(home) ?? []), { digest, mediaType, size }]);
  }
  const loose = [...groups].map(([name, blobs]) => ({ name, blobs }));
  // Names of homes are whole already.
  return copyLooseBlobs(loose, content, { ...settings, prefix: '', asksFirst: () => true }, run);
}

/** Removes blobs that waited on this host and are at the target now. */
export async function dropSent(incoming: Incoming, failed: ReadonlySet<Digest>, bundles: readonly Bundle[], run: Run) {
  for (const { digest, kind } of bundles.flatMap(({ index }) => index.blobs)) {
    const file = incoming.kept.get(digest);
    if (file && kind !== 'manifest' && !failed.has(digest)) await run.disk.remove(file.path);
  }
}

/** Whether any blob of the bundles is in no volume or part at hand. */
export function isAway(bundles: readonly Bundle[]): boolean {
  return bundles.some((bundle) => findAway(bundle).length > 0);
}

/** Forgets all that waited of bundles: they are loaded. */
export async function forgetIncoming(bundles: readonly Bundle[], waitingFolder: string, run: Run): Promise<void> {
  for (const bundle of bundles) await dropIncoming(bundle, waitingFolder, run);
}
