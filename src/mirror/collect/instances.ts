import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { type Descriptor, type Digest, mediaTypes, parseManifest, type RepositoryName } from '../../oci/index.ts';
import type { BuiltManifest, ImageInstance } from '../layer/append-layers.ts';
import { keepBlob } from '../layer/open-layer.ts';
import { type Closure, gatherManifest } from './closure.ts';
import { type Collector, type GatheredManifest, repositoryText } from './collector.ts';

/** An instance with the manifest that it was read from. */
export interface ReadInstance extends ImageInstance {
  readonly manifest: GatheredManifest;
}

/** The images of a closure in the order of its indexes, with their configs; `repository` undefined: all blobs are in the workspace. */
export async function readInstances(
  collector: Collector,
  closure: Closure,
  repository: RepositoryName | undefined,
  run: Run,
): Promise<ReadInstance[]> {
  const instances: ReadInstance[] = [];
  for (const manifest of inOrder(closure.root, closure)) {
    if (manifest.blobs.length === 0 || isAttestation(closure, manifest.digest)) continue;
    const instance = await readInstance(collector, closure, manifest, repository, run);
    if (instance) instances.push(instance);
  }
  return instances;
}

/** undefined for an artifact that an index lists beside its images. */
async function readInstance(
  collector: Collector,
  closure: Closure,
  manifest: GatheredManifest,
  repository: RepositoryName | undefined,
  run: Run,
): Promise<ReadInstance | undefined> {
  const bytes = await collector.kept.find(manifest.digest, run);
  const parsed = bytes && parseManifest(bytes, manifest.mediaType);
  if (parsed?.kind !== 'image') throw new AirlockError('MANIFEST_INVALID', `${manifest.digest} is no image`);
  if (parsed.artifactType !== undefined || parsed.config.mediaType === mediaTypes.ociEmpty) return undefined;
  await keepInstanceBlob(collector, manifest, parsed.config, repository, run);
  const configBytes = await collector.kept.find(parsed.config.digest, run);
  if (!configBytes) throw new AirlockError('BLOB_UNKNOWN', `the config of ${manifest.digest} cannot be read`);
  const descriptor = findDescriptor(closure, manifest.digest);
  return {
    manifest,
    layers: parsed.layers,
    annotations: parsed.annotations,
    platform: descriptor?.platform,
    configBytes,
  };
}

/** Puts a blob of an image into the workspace and remembers that it is there. */
export async function keepInstanceBlob(
  collector: Collector,
  manifest: GatheredManifest,
  blob: Descriptor,
  repository: RepositoryName | undefined,
  run: Run,
): Promise<void> {
  if (repository) await keepBlob(blob, { source: collector.source, repository, kept: collector.kept }, run);
  if (!manifest.keptBlobs.includes(blob.digest)) manifest.keptBlobs.push(blob.digest);
}

/** Adds a manifest that was built on `closure`: its blobs come from there, from the workspace, or from both. */
export function gatherBuilt(
  collector: Collector,
  built: BuiltManifest,
  closure: Closure,
  repository: RepositoryName | undefined,
): GatheredManifest {
  const manifest = gatherManifest(collector, built.digest, built.bytes, undefined);
  const place = repository && repositoryText(repository);
  if (place && !manifest.sources.includes(place)) manifest.sources.push(place);
  const inWorkspace = new Set<Digest>([...built.keptBlobs, ...closure.manifests.flatMap((one) => one.keptBlobs)]);
  for (const { digest } of manifest.blobs)
    if (inWorkspace.has(digest) && !manifest.keptBlobs.includes(digest)) manifest.keptBlobs.push(digest);
  return manifest;
}

function findDescriptor(closure: Closure, digest: Digest): Descriptor | undefined {
  return closure.manifests.flatMap((index) => index.manifests).find((child) => child.digest === digest);
}

/** BuildKit puts attestations into indexes in the form of images of an unknown platform. */
function isAttestation(closure: Closure, digest: Digest): boolean {
  const descriptor = findDescriptor(closure, digest);
  return descriptor?.platform?.os === 'unknown' || descriptor?.annotations?.['vnd.docker.reference.type'] !== undefined;
}

function* inOrder(manifest: GatheredManifest, closure: Closure): Generator<GatheredManifest> {
  yield manifest;
  for (const child of manifest.manifests) {
    const found = closure.manifests.find((one) => one.digest === child.digest);
    if (found) yield* inOrder(found, closure);
  }
}
