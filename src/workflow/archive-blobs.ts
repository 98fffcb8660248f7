import { createReadStream } from 'node:fs';
import path from 'node:path';
import { type Bundle, locateMember, readMember } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import { findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { ocMirrorPlaces } from '../mirror/index.ts';
import { blobPath, type Digest, digestOf, manifestLimitBytes, type Source } from '../oci/index.ts';

/** Blobs of an archive that real oc-mirror wrote: out of its volumes, or out of the cache where an earlier archive carried them. */
export interface ArchiveBlobs {
  /** A small one whole; undefined when it is nowhere, or too large for a manifest. @throws AirlockError BUNDLE_DAMAGED */
  readonly read: (digest: Digest) => Promise<Buffer | undefined>;
  /** One of any size, from `source` when it is nowhere else. The caller checks the digest. */
  readonly source: Pick<Source, 'fetchBlob'>;
  /** What `source` gave. */
  readonly given: ReadonlySet<Digest>;
}

/** `cacheFolder` is oc-mirror's own. */
export function openArchiveBlobs(
  archive: Bundle,
  cacheFolder: string,
  source: Pick<Source, 'fetchBlob'>,
  run: Run,
): ArchiveBlobs {
  const blobs = new Map(archive.index.blobs.map((blob) => [blob.digest, blob]));
  const cached = (digest: Digest): string => path.join(cacheFolder, ocMirrorPlaces.cache, blobPath(digest));
  const given = new Set<Digest>();
  return {
    given,
    async read(digest) {
      const blob = blobs.get(digest);
      if (blob && blob.size > manifestLimitBytes) return undefined;
      const bytes = blob
        ? await readMember(archive, blob, run)
        : await findFile(cached(digest), run, manifestLimitBytes);
      if (!bytes || digestOf(bytes) === digest) return bytes;
      if (!blob) return undefined;
      const volume = archive.volumes.find((one) => one.volume === blob.volume)?.name;
      throw new AirlockError('BUNDLE_DAMAGED', `${volume}: ${digest} has another digest (byte ${blob.offset})`, {
        hint: 'run the same command again: the archive is written anew from the cache',
        details: { volume, offset: blob.offset },
      });
    },
    source: {
      async fetchBlob(repository, blob, offsetBytes, within) {
        given.add(blob.digest);
        const member = blobs.get(blob.digest);
        if (member) {
          const { path: file, offset } = locateMember(archive, member);
          return createReadStream(file, { start: offset + offsetBytes, end: offset + member.size - 1 });
        }
        const file = cached(blob.digest);
        const isCached = (await within.disk.stat(file))?.sizeBytes === blob.size;
        return isCached
          ? createReadStream(file, { start: offsetBytes })
          : source.fetchBlob(repository, blob, offsetBytes, within);
      },
    },
  };
}
