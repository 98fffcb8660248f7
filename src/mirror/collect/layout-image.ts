import path from 'node:path';
import { Readable } from 'node:stream';
import { AirlockError } from '../../core/errors.ts';
import { readFileLimited } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  isIndexType,
  manifestLimitBytes,
  mediaTypes,
  type Platform,
  parseManifest,
} from '../../oci/index.ts';
import type { SelectedImage } from '../../plan/index.ts';
import { keepBlob, readDiskFile } from '../layer/open-layer.ts';
import { assertStorageName, type ImageName } from '../naming.ts';
import { type Closure, gatherManifest, selectInstances } from './closure.ts';
import type { Collector, GatheredManifest } from './collector.ts';
import type { ImageRequest } from './image.ts';

/**
 * Adds an image from an OCI image layout (`oci://dir`). Its content goes to the workspace, since the folder may be gone when the bundle is
 * filled.
 * @throws AirlockError LAYOUT_INVALID, MANIFEST_INVALID, DIGEST_MISMATCH @see OCI image-spec v1.1, "Image Layout"
 */
export async function addLayoutImage(
  collector: Collector,
  name: ImageName,
  request: ImageRequest,
  run: Run,
): Promise<SelectedImage | undefined> {
  const targets = request.targets ?? [{ repository: request.repository, tag: request.tag }];
  if (collector.isBlocked(request.origin, `/${request.repository}:${request.tag}`)) return undefined;
  assertStorageName(request, request.origin);
  const closure = await readLayoutClosure(
    collector,
    name.path,
    { nests: false, platforms: request.platforms ?? [] },
    run,
  );
  const image: SelectedImage = {
    type: request.type,
    origin: request.origin,
    source: 'kept:',
    repository: request.repository,
    tag: request.tag,
    targets,
    digest: closure.root.digest,
    mediaType: closure.root.mediaType,
    absent: closure.absent,
    signature: 'not-checked',
    reason: request.reason,
  };
  collector.images.push(image);
  return image;
}

/**
 * Reads the image of a layout folder into the workspace. An index.json with several entries is itself the image where `nests` (catalogs: oc-mirror
 * puts it into an index of one entry), else it is refused, as by the containers tools.
 */
export async function readLayoutClosure(
  collector: Collector,
  folder: string,
  { nests, platforms = [] }: { readonly nests: boolean; readonly platforms?: readonly Platform[] },
  run: Run,
): Promise<Closure> {
  const { bytes: indexBytes, manifests } = await readLayoutIndex(folder, run);
  const [only] = manifests;
  if (!only || (manifests.length > 1 && !nests))
    throw new AirlockError(
      'LAYOUT_INVALID',
      `${folder}/index.json has to name one image, it names ${manifests.length}`,
    );
  const found = new Map<string, GatheredManifest>();
  const absent = new Set<Digest>();
  const read = async (descriptor: Descriptor): Promise<GatheredManifest> => {
    const bytes = await readFileLimited(blobFile(folder, descriptor), run, manifestLimitBytes);
    await keepLayoutBlob(collector, folder, { ...descriptor, size: bytes.length }, run);
    return follow(gatherManifest(collector, descriptor.digest, bytes, descriptor.mediaType));
  };
  const follow = async (manifest: GatheredManifest): Promise<GatheredManifest> => {
    found.set(manifest.digest, manifest);
    const wanted = selectInstances(manifest, platforms, folder);
    for (const child of manifest.manifests) {
      if (!wanted.includes(child)) absent.add(child.digest);
      else if (!found.has(child.digest)) await read(child);
    }
    for (const blob of manifest.blobs) {
      await keepLayoutBlob(collector, folder, blob, run);
      if (!manifest.keptBlobs.includes(blob.digest)) manifest.keptBlobs.push(blob.digest);
    }
    return manifest;
  };
  const nested = async (): Promise<GatheredManifest> =>
    follow(gatherManifest(collector, await collector.kept.put(indexBytes, run), indexBytes, mediaTypes.ociIndex));
  const root = manifests.length > 1 ? await nested() : await read(only);
  return { root, manifests: [...found.values()], absent: [...absent].filter((digest) => !found.has(digest)) };
}

async function readLayoutIndex(
  folder: string,
  run: Run,
): Promise<{ readonly bytes: Buffer; readonly manifests: readonly Descriptor[] }> {
  const file = path.join(folder, 'index.json');
  const bytes = await readFileLimited(file, run, manifestLimitBytes);
  const parsed = parseManifest(bytes, mediaTypes.ociIndex);
  if (parsed.kind !== 'index' || !isIndexType(parsed.mediaType))
    throw new AirlockError('LAYOUT_INVALID', `${file} is no image index`);
  return { bytes, manifests: parsed.manifests };
}

function blobFile(folder: string, descriptor: Descriptor): string {
  return path.join(folder, 'blobs', digestAlgorithm(descriptor.digest), digestHex(descriptor.digest));
}

async function keepLayoutBlob(collector: Collector, folder: string, blob: Descriptor, run: Run): Promise<void> {
  const file = blobFile(folder, blob);
  const source = {
    ...collector.source,
    fetchBlob: async () => Readable.from(readDiskFile(file, run), { objectMode: false }),
  };
  await keepBlob(blob, { source, repository: { registry: '', repository: '' }, kept: collector.kept }, run);
}
