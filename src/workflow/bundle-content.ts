import { type Bundle, openBundleSource, openBundleStore } from '../bundle/index.ts';
import { isAirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { MirrorTarget } from '../manifests/index.ts';
import { isAttached } from '../mirror/index.ts';
import { type CopyOptions, contentFromSource, type Digest } from '../oci/index.ts';
import { findHolders, type Holders, withAssumed } from './assumed-content.ts';
import type { RemoteClients } from './clients.ts';
import type { Incoming } from './incoming-content.ts';
import { placeRepositories } from './nested-names.ts';

/** How bundles are read for a registry. */
export interface BundleReading {
  readonly clients: RemoteClients;
  readonly parallelBlobs: number;
  readonly incoming?: Incoming | undefined;
  /** Signatures and referrers are left out. */
  readonly removeSignatures?: boolean | undefined;
}

/** Bundles as content of a copy, under their names at the target; what they only assume is read there. The caller closes `store`. */
export async function openBundleContent(
  bundles: readonly Bundle[],
  target: MirrorTarget,
  { clients, parallelBlobs, incoming, removeSignatures }: BundleReading,
  run: Run,
) {
  const holders = allHolders(findHolders(bundles, target), incoming);
  const store = await openBundleStore(
    bundles,
    {
      trustAssumed: true,
      readAssumed: (_, digest) => readAtTarget(clients, target.registry, holders(digest), digest, run),
      ...(removeSignatures ? { isWanted: (image) => !isAttached(image) } : {}),
      ...(incoming ? { kept: incoming.kept, isThere: (digest) => incoming.places.has(digest) } : {}),
    },
    run,
  );
  const { repositories, prefix, originals } = placeRepositories(store.repositories, target, (message) =>
    run.report({ stage: 'load', state: 'log', level: 'warning', message }),
  );
  const source = openBundleSource(store);
  const locate = (name: string) => originals(name).map((repository) => ({ registry: 'bundle', repository }));
  const carried = contentFromSource({ source, repositories, locate });
  const settings: CopyOptions = {
    target: clients.remote,
    mountFrom: ({ digest }) => holders(digest),
    asksFirst: ({ digest }) => incoming?.away.has(digest) === true,
    registry: target.registry,
    prefix,
    stage: 'load',
    parallelBlobs,
  };
  return { store, source, content: withAssumed(carried, clients, target.registry, holders), settings };
}

/** Where the target holds what no volume at hand does. */
function allHolders(assumed: Holders, incoming: Incoming | undefined): Holders {
  if (!incoming) return assumed;
  return (digest) => {
    const place = incoming.places.get(digest);
    return place === undefined ? assumed(digest) : [place, ...assumed(digest).filter((one) => one !== place)];
  };
}

/** Manifests that an earlier generation carried are read from the target: they say which blobs an image needs. */
async function readAtTarget(
  clients: RemoteClients,
  registry: string,
  holders: readonly string[],
  digest: Digest,
  run: Run,
): Promise<Buffer | undefined> {
  for (const repository of holders) {
    try {
      return (await clients.remote.fetchManifest({ registry, repository, digest }, run)).bytes;
    } catch (error) {
      if (!isAirlockError(error, 'MANIFEST_UNKNOWN')) throw error;
    }
  }
  return undefined;
}
