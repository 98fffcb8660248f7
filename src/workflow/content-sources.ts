import { Readable } from 'node:stream';
import type { ContentSources } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import { copyInto, pourBody } from '../core/http-pour.ts';
import type { Run } from '../core/run.ts';
import { createDownloader } from '../fetch/index.ts';
import type { RepositoryName } from '../oci/index.ts';
import type { PlannedBlob, SelectedFile } from '../plan/index.ts';
import type { RemoteClients } from './clients.ts';

/** Where `build` gets what the workspace does not hold: each blob from the first of its repositories that gives it, files by their URL. */
export function contentSources(clients: RemoteClients): ContentSources {
  const downloader = createDownloader({
    http: clients.http,
    retry: clients.retryPolicy,
    stage: 'build',
    ...(clients.bandwidth ? { bandwidth: clients.bandwidth } : {}),
  });
  return {
    openBlob: (blob, offsetBytes, run) =>
      fromAny(blob, run, async (repository) => {
        const manifest = await findManifestBytes(clients, repository, blob, run);
        if (manifest) return Readable.from([manifest.subarray(offsetBytes)], { objectMode: false });
        return clients.remote.fetchBlob(repository, blob, offsetBytes, run);
      }),
    pourBlob: (blob, sink, run) =>
      fromAny(blob, run, async (repository) => {
        const manifest = await findManifestBytes(clients, repository, blob, run);
        if (manifest) await copyInto(sink, manifest.subarray(sink.receivedBytes));
        else if (clients.remote.pourBlob) await clients.remote.pourBlob(repository, blob, sink, run);
        else await pourBody(await clients.remote.fetchBlob(repository, blob, sink.receivedBytes, run), sink);
      }),
    openFile(file, offsetBytes, run) {
      const sha256 = offsetBytes === 0 ? { sha256: file.sha256 } : {};
      return downloader.open({ url: urlOf(file), offsetBytes, expectedSizeBytes: file.sizeBytes, ...sha256 }, run);
    },
    pourFile: (file, sink, run) => downloader.pour({ url: urlOf(file), expectedSizeBytes: file.sizeBytes }, sink, run),
  };
}

function urlOf(file: SelectedFile): string {
  if (file.content.kind !== 'url') throw new Error(`${file.path} is not fetched from a URL`);
  return file.content.url;
}

/** The first of a blob's repositories that does what is asked. */
async function fromAny<T>(blob: PlannedBlob, run: Run, task: (repository: RepositoryName) => Promise<T>): Promise<T> {
  let failure: unknown = new AirlockError('BLOB_UNKNOWN', `${blob.digest} has no source`);
  for (const source of blob.sources) {
    try {
      return await task(splitSource(source));
    } catch (error) {
      if (run.signal.aborted) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** Manifests have an address of their own; undefined for all other blobs. */
async function findManifestBytes(
  clients: RemoteClients,
  repository: RepositoryName,
  blob: PlannedBlob,
  run: Run,
): Promise<Buffer | undefined> {
  if (blob.kind !== 'manifest') return undefined;
  return (await clients.remote.fetchManifest({ ...repository, digest: blob.digest }, run)).bytes;
}

/** `registry/repository` as it stands in a plan. */
function splitSource(source: string): RepositoryName {
  const slash = source.indexOf('/');
  return { registry: source.slice(0, slash), repository: source.slice(slash + 1) };
}
