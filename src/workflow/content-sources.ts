import { Readable } from 'node:stream';
import type { ContentSources } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import { createDownloader } from '../fetch/index.ts';
import type { RepositoryName } from '../oci/index.ts';
import type { PlannedBlob } from '../plan/index.ts';
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
    checksBlobs: true,
    openBlob: (blob, offsetBytes, run) => openFromAny(clients, blob, offsetBytes, run),
    async openFile(file, offsetBytes, run) {
      if (file.content.kind !== 'url') throw new Error(`${file.path} is not fetched from a URL`);
      const { url } = file.content;
      return downloader.open(
        { url, offsetBytes, expectedSizeBytes: file.sizeBytes, ...(offsetBytes === 0 ? { sha256: file.sha256 } : {}) },
        run,
      );
    },
  };
}

async function openFromAny(
  clients: RemoteClients,
  blob: PlannedBlob,
  offsetBytes: number,
  run: Run,
): Promise<Readable> {
  let failure: unknown = new AirlockError('BLOB_UNKNOWN', `${blob.digest} has no source`);
  for (const source of blob.sources) {
    const repository = splitSource(source);
    try {
      if (blob.kind === 'manifest') {
        const { bytes } = await clients.remote.fetchManifest({ ...repository, digest: blob.digest }, run);
        return Readable.from([bytes.subarray(offsetBytes)], { objectMode: false });
      }
      return await clients.remote.fetchBlob(repository, blob, offsetBytes, run);
    } catch (error) {
      if (run.signal.aborted) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** `registry/repository` as it stands in a plan. */
function splitSource(source: string): RepositoryName {
  const slash = source.indexOf('/');
  return { registry: source.slice(0, slash), repository: source.slice(slash + 1) };
}
