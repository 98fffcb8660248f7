import { isAirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { isDigest } from '../digest.ts';
import type { Reference } from '../reference.ts';
import type { RepositoryName, Source, Target } from '../source.ts';
import { fetchBlob, hasBlob } from './blobs.ts';
import { deleteManifest, fetchManifest, pushManifest, resolveManifest } from './manifests.ts';
import type { RemoteOptions } from './options.ts';
import { listReferrers } from './referrers.ts';
import { createSessions, type Place, type PlaceUse } from './sessions.ts';
import { listTags } from './tags.ts';
import { createChunkMemory, mountBlob, pushBlob } from './uploads.ts';

/**
 * Registries over HTTP, any number of them: each reference names its own. Reads go through registries.conf, writes to the primary location.
 * @see OCI distribution-spec v1.1
 */
export function createRemote(options: RemoteOptions): Source & Target {
  const sessions = createSessions(options);
  const chunks = createChunkMemory();
  const pushing = new Map<string, Promise<void>>();

  const readManifest = <T>(
    reference: Reference,
    task: (place: Place, tagOrDigest: string) => Promise<T>,
    run: Run,
  ): Promise<T> => {
    const wanted = reference.digest ?? reference.tag ?? 'latest';
    const use: PlaceUse = isDigest(wanted) ? { digest: wanted } : { tag: wanted };
    return sessions.read(reference, use, (place) => task(place, wanted), run);
  };

  return {
    resolve: (reference, run) => readManifest(reference, (place, wanted) => resolveManifest(place, wanted, run), run),
    fetchManifest: (reference, run) =>
      readManifest(reference, (place, wanted) => fetchManifest(place, wanted, run), run),
    fetchBlob: (repository, blob, offsetBytes, run) =>
      sessions.read(repository, 'parts', (place) => fetchBlob(place, blob, offsetBytes, options, run), run),
    listTags: (repository, run) => sessions.read(repository, { tag: 'latest' }, (place) => listTags(place, run), run),
    listReferrers: (repository, digest, run) =>
      sessions.read(repository, { digest }, (place) => listReferrers(place, digest, run), run),
    hasBlob: (repository, blob, run) => hasBlob(sessions.primary(repository), blob, run),
    mountBlob: (repository, blob, from, run) => mountBlob(sessions.primary(repository), blob, from, run),
    pushBlob: (repository, blob, open, run) => pushBlob(sessions.primary(repository), blob, open, options, chunks, run),
    async pushManifest(repository, tagOrDigest, manifest, run) {
      // Two pushes of one digest to one repository at the same time make distribution answer "digest invalid".
      const key = `${repository.registry}/${repository.repository}@${manifest.digest}`;
      const before = pushing.get(key) ?? Promise.resolve();
      const push = before
        .catch(() => {})
        .then(() => pushManifest(sessions.primary(repository), tagOrDigest, manifest, run));
      pushing.set(key, push);
      try {
        await push;
      } finally {
        if (pushing.get(key) === push) pushing.delete(key);
      }
    },
    findManifest: (reference, run) => findManifest(sessions.primary(reference), reference, run),
    deleteManifest: (repository: RepositoryName, digest, run) =>
      deleteManifest(sessions.primary(repository), digest, run),
  };
}

async function findManifest(place: Place, reference: Reference, run: Run) {
  try {
    return await resolveManifest(place, reference.digest ?? reference.tag ?? 'latest', run);
  } catch (error) {
    if (isAirlockError(error, 'MANIFEST_UNKNOWN')) return undefined;
    throw error;
  }
}
