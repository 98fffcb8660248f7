import path from 'node:path';
import { Readable } from 'node:stream';
import { AirlockError } from '../../core/errors.ts';
import { readFileLimited } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import {
  type Descriptor,
  digestAlgorithm,
  digestHex,
  isIndexType,
  manifestLimitBytes,
  parseManifest,
} from '../../oci/index.ts';
import type { SelectedImage } from '../../plan/index.ts';
import { keepBlob, readDiskFile } from '../layer/open-layer.ts';
import { assertStorageName, type ImageName } from '../naming.ts';
import { type Closure, gatherManifest } from './closure.ts';
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
  if (collector.isBlocked(request.origin, `${request.repository}:${request.tag}`)) return undefined;
  assertStorageName(request, request.origin);
  const closure = await readLayoutClosure(collector, name.path, run);
  const image: SelectedImage = {
    type: request.type,
    origin: request.origin,
    source: 'kept:',
    repository: request.repository,
    tag: request.tag,
    targets,
    digest: closure.root.digest,
    mediaType: closure.root.mediaType,
    absent: [],
    signature: 'not-checked',
    reason: request.reason,
  };
  collector.images.push(image);
  return image;
}

/** Reads the image of a layout folder into the workspace. Of several entries in its index all are nested into one index, as oc-mirror does. */
export async function readLayoutClosure(collector: Collector, folder: string, run: Run): Promise<Closure> {
  const index = await readLayoutIndex(folder, run);
  const [only] = index.manifests;
  if (!only || index.manifests.length > 1)
    throw new AirlockError(
      'LAYOUT_INVALID',
      `${folder}/index.json has to name one image, it names ${index.manifests.length}`,
    );
  const found = new Map<string, GatheredManifest>();
  const read = async (descriptor: Descriptor): Promise<GatheredManifest> => {
    const bytes = await readFileLimited(blobFile(folder, descriptor), run, manifestLimitBytes);
    await keepLayoutBlob(collector, folder, { ...descriptor, size: bytes.length }, run);
    const manifest = gatherManifest(collector, descriptor.digest, bytes, descriptor.mediaType);
    found.set(manifest.digest, manifest);
    for (const child of manifest.manifests) if (!found.has(child.digest)) await read(child);
    for (const blob of manifest.blobs) {
      await keepLayoutBlob(collector, folder, blob, run);
      if (!manifest.keptBlobs.includes(blob.digest)) manifest.keptBlobs.push(blob.digest);
    }
    return manifest;
  };
  const root = await read(only);
  return { root, manifests: [...found.values()], absent: [] };
}

async function readLayoutIndex(folder: string, run: Run): Promise<{ readonly manifests: readonly Descriptor[] }> {
  const file = path.join(folder, 'index.json');
  const bytes = await readFileLimited(file, run, manifestLimitBytes);
  const parsed = parseManifest(bytes, 'application/vnd.oci.image.index.v1+json');
  if (parsed.kind !== 'index' || !isIndexType(parsed.mediaType))
    throw new AirlockError('LAYOUT_INVALID', `${file} is no image index`);
  return parsed;
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
