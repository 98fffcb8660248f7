import { createHash } from 'node:crypto';
import type { Run } from '../../core/run.ts';
import { type Descriptor, type Digest, digestFromHex, type RepositoryName, type Source } from '../../oci/index.ts';
import type { KeptBlobs } from '../../plan/index.ts';
import { keepBlob, openKeptLayer } from './open-layer.ts';
import { covers, whiteoutPath } from './read-files.ts';
import { readTar } from './tar-reader.ts';

/** A file of an image that is wanted in the workspace. */
export interface ImageFileRequest {
  readonly source: Pick<Source, 'fetchBlob'>;
  readonly repository: RepositoryName;
  readonly kept: KeptBlobs;
  /** As in the manifest: lowest first. */
  readonly layers: readonly Descriptor[];
  /** Without leading slash. */
  readonly name: string;
}

/** A file that lies in the workspace by its own digest. */
export interface KeptImageFile {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Layers that were put into the workspace on the way; `build` moves them on. */
  readonly keptLayers: readonly Digest[];
}

const absent = Symbol('the layer does not hold the file');

/**
 * Streams one file of any size out of an image into the workspace: from its uppermost layer down, only as far as needed, nothing unpacked.
 * Undefined when the image does not have it, or has a link in its place.
 * @throws AirlockError LAYER_INVALID, REGISTRY_*
 * @see OCI image-spec, "Layer Filesystem Changeset"
 */
export async function keepImageFile(request: ImageFileRequest, run: Run): Promise<KeptImageFile | undefined> {
  const { source, repository, kept, name } = request;
  const keptLayers: Digest[] = [];
  for (const layer of [...request.layers].reverse()) {
    await keepBlob(layer, { source, repository, kept }, run);
    keptLayers.push(layer.digest);
    const found = await keepMember(layer.digest, name, kept, run);
    if (found === 'hidden') return undefined;
    if (found) return { ...found, keptLayers };
  }
  return undefined;
}

async function keepMember(
  layer: Digest,
  name: string,
  kept: KeptBlobs,
  run: Run,
): Promise<{ readonly digest: Digest; readonly sizeBytes: number } | 'hidden' | undefined> {
  let [sizeBytes, isThere, isHidden] = [0, false, false];
  try {
    const digest = await kept.putFile(async (file) => {
      const hash = createHash('sha256');
      await readTar(await openKeptLayer(layer, kept, run), (member) => {
        const whiteout = whiteoutPath(member.name);
        if (whiteout !== undefined && covers(whiteout, name)) isHidden = true;
        if (member.kind !== 'file' || member.name !== name) return undefined;
        isThere = true;
        sizeBytes = 0;
        return async (chunk) => {
          hash.update(chunk);
          await file.write(chunk, sizeBytes);
          sizeBytes += chunk.length;
        };
      });
      if (!isThere) throw absent;
      return digestFromHex(hash.digest('hex'));
    }, run);
    return { digest, sizeBytes };
  } catch (error) {
    if (error === absent) return isHidden ? 'hidden' : undefined;
    throw error;
  }
}
