import type { Bundle } from '../bundle/index.ts';
import { isAirlockError } from '../core/errors.ts';
import { type MirrorTarget, targetRepository } from '../manifests/index.ts';
import { type CopyContent, contentFromSource, type Digest } from '../oci/index.ts';
import type { RemoteClients } from './clients.ts';

/** Where the target may hold what earlier generations carried: whole repository names. */
export type Holders = (digest: Digest) => readonly string[];

/** Every repository that names a manifest or blob of `wanted` (default: what is assumed), in any bundle of the chain. */
export function findHolders(
  bundles: readonly Bundle[],
  target: MirrorTarget,
  wanted: ReadonlySet<Digest> = new Set(bundles.flatMap((bundle) => bundle.index.assumed)),
): Holders {
  const found = new Map<Digest, Set<string>>();
  for (const { index } of bundles) {
    const names = new Map<string, Set<string>>();
    for (const { repository, targets } of index.images)
      for (const one of targets) names.set(repository, (names.get(repository) ?? new Set()).add(one.repository));
    for (const { name, revisions, layers } of index.repositories) {
      const places = [...(names.get(name) ?? [name])].map((one) => targetRepository(one, target));
      for (const digest of [...revisions, ...layers]) {
        if (!wanted.has(digest)) continue;
        const known = found.get(digest) ?? new Set<string>();
        for (const place of places) known.add(place);
        found.set(digest, known);
      }
    }
  }
  return (digest) => [...(found.get(digest) ?? [])];
}

/** What the bundles do not hold is read back from the target: an earlier image gets a new name, or an old layer a new repository. */
export function withAssumed(
  content: CopyContent,
  clients: RemoteClients,
  registry: string,
  holders: Holders,
): CopyContent {
  const held = contentFromSource({
    source: clients.remote,
    repositories: content.repositories,
    locate: (_, digest) => holders(digest).map((repository) => ({ registry, repository })),
  });
  const orHeld = async <T>(digest: Digest, own: () => Promise<T>, other: () => Promise<T>): Promise<T> => {
    try {
      return await own();
    } catch (error) {
      const lacks = isAirlockError(error, 'BLOB_UNKNOWN') || isAirlockError(error, 'MANIFEST_UNKNOWN');
      if (!lacks || holders(digest).length === 0) throw error;
      return other();
    }
  };
  return {
    repositories: content.repositories,
    readManifest: (repository, digest, run) =>
      orHeld(
        digest,
        () => content.readManifest(repository, digest, run),
        () => held.readManifest(repository, digest, run),
      ),
    openBlob: (repository, blob, offsetBytes, run) =>
      orHeld(
        blob.digest,
        () => content.openBlob(repository, blob, offsetBytes, run),
        () => held.openBlob(repository, blob, offsetBytes, run),
      ),
  };
}
