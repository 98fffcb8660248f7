import { AirlockError, isAirlockError } from '../../core/errors.ts';
import { discardBody } from '../../core/http-body.ts';
import { readsOf } from '../../core/http-concurrency.ts';
import type { Run } from '../../core/run.ts';
import { isDigest } from '../digest.ts';
import { parseManifest } from '../manifest.ts';
import type { Reference } from '../reference.ts';
import type { FetchedManifest, RepositoryName, Source, Target } from '../source.ts';
import { createAttachedMemory } from './attached-memory.ts';
import { fetchBlob, hasBlob, pourBlob, pushScopes } from './blobs.ts';
import { deleteManifest, fetchManifest, pushManifest, resolveManifest } from './manifests.ts';
import { mountBlob } from './mounts.ts';
import type { RemoteOptions } from './options.ts';
import { addFallbackReferrer, listReferrers } from './referrers.ts';
import { createSessions, type Place, type PlaceUse } from './sessions.ts';
import { listTags } from './tags.ts';
import { createUploadMemory } from './upload-memory.ts';
import { pushBlob } from './uploads.ts';

/**
 * Registries over HTTP, any number of them: each reference names its own. Reads go through registries.conf, writes to the primary location.
 * @see OCI distribution-spec v1.1
 */
export function createRemote(options: RemoteOptions): Source & Target {
  const sessions = createSessions(options);
  const memory = createUploadMemory();
  const attached = createAttachedMemory();
  const inTurn = createTurns();

  // Only until the answer begins: whoever reads the stream may need another one first.
  const gate = <T>(place: Place, task: () => Promise<T>): Promise<T> =>
    options.limits ? options.limits.for(readsOf(place.registry)).run(task) : task();

  const readManifest = <T>(
    reference: Reference,
    task: (place: Place, tagOrDigest: string) => Promise<T>,
    run: Run,
  ): Promise<T> => {
    const wanted = reference.digest ?? reference.tag ?? 'latest';
    const use: PlaceUse = isDigest(wanted) ? { digest: wanted } : { tag: wanted };
    const read = async (place: Place): Promise<T> => {
      if (await attached.lacksTag(place, wanted, run)) throw absentTag(place, wanted, options);
      return task(place, wanted);
    };
    return sessions.read(reference, use, (place) => gate(place, () => read(place)), run);
  };

  return {
    resolve: (reference, run) => readManifest(reference, (place, wanted) => resolveManifest(place, wanted, run), run),
    fetchManifest: (reference, run) =>
      readManifest(reference, (place, wanted) => fetchManifest(place, wanted, run), run),
    fetchBlob: (repository, blob, offsetBytes, run) =>
      sessions.read(
        repository,
        'parts',
        (place) => gate(place, () => fetchBlob(place, blob, offsetBytes, options, run)),
        run,
      ),
    pourBlob: (repository, blob, sink, run) => {
      const pour = (place: Place): Promise<void> =>
        pourBlob(place, blob, sink, (open) => gate(place, open), options, run);
      return sessions.read(repository, 'parts', pour, run);
    },
    listTags: (repository, run) => sessions.read(repository, { tag: 'latest' }, (place) => listTags(place, run), run),
    listReferrers: (repository, digest, run) =>
      sessions.read(repository, { digest }, (place) => listReferrers(place, digest, attached, run), run),
    async assertReachable(repository, run) {
      const place = sessions.primary(repository);
      const call = { method: 'GET', path: '/v2/', repository: place.repository, scopes: pushScopes(place) } as const;
      const about = { expect: [200, 403, 404], wanted: 'other', subject: place.registry } as const;
      discardBody((await place.session.request({ ...call, ...about }, run)).body);
    },
    hasBlob: (repository, blob, run) => hasBlob(sessions.primary(repository), blob, run),
    mountBlob: (repository, blob, from, run) => mountBlob(sessions.primary(repository), blob, from, run),
    pushBlob: (repository, blob, open, run) =>
      pushBlob({ place: sessions.primary(repository), blob, open, options, memory }, run),
    async pushManifest(repository, tagOrDigest, manifest, run) {
      const place = sessions.primary(repository);
      try {
        await pushInTurn({ place, tagOrDigest, manifest }, inTurn, run);
      } finally {
        attached.forgetTags(place);
      }
    },
    findManifest: (reference, run) => findManifest(sessions.primary(reference), reference, run),
    limitFor: (registry) => options.limits?.for(registry),
    deleteManifest: (repository: RepositoryName, digest, run) =>
      deleteManifest(sessions.primary(repository), digest, run),
  };
}

/** Pushes a manifest and, where the registry took no note of its subject, lists it under the fallback tag. */
async function pushInTurn(
  { place, tagOrDigest, manifest }: { place: Place; tagOrDigest: string; manifest: FetchedManifest },
  inTurn: ReturnType<typeof createTurns>,
  run: Run,
): Promise<void> {
  const name = `${place.registry}/${place.repository}`;
  // Two pushes of one digest to one repository at the same time make distribution answer "digest invalid".
  const { subjectNoted } = await inTurn(`${name}@${manifest.digest}`, () =>
    pushManifest(place, tagOrDigest, manifest, run),
  );
  if (subjectNoted || !manifest.bytes.includes('"subject"')) return;
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  const { subject } = parsed;
  if (subject)
    await inTurn(`${name} ${subject.digest}`, () => addFallbackReferrer(place, manifest, { ...parsed, subject }, run));
}

function absentTag({ registry, repository }: Place, tag: string, { side }: RemoteOptions): AirlockError {
  const message = `${registry}/${repository}:${tag} is not in the list of its tags`;
  return new AirlockError('MANIFEST_UNKNOWN', message, side ? { side } : {});
}

/** Runs tasks of the same key one after the other. */
function createTurns(): <T>(key: string, task: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (key, task) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(task, task);
    last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (last.get(key) === turn) last.delete(key);
    }
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
