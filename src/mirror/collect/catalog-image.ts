import type { OperatorCatalog } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import {
  type Descriptor,
  type Digest,
  type Platform,
  parseManifest,
  parseReference,
  type RepositoryName,
} from '../../oci/index.ts';
import { field, text } from '../catalog/content.ts';
import { type CatalogInstance, configsLabel, parseConfig } from '../catalog/rebuild.ts';
import { type CatalogFiles, findCatalogFiles } from '../catalog/scan.ts';
import { keepBlob } from '../layer/open-layer.ts';
import { type ImageName, parseImageName } from '../naming.ts';
import { type Closure, readClosure } from './closure.ts';
import type { Collector, GatheredManifest } from './collector.ts';
import { readLayoutClosure } from './layout-image.ts';

/** A catalog image as it is at its source, whole. */
export interface CatalogImage {
  readonly name: ImageName;
  readonly closure: Closure;
  /** undefined for `oci://`. */
  readonly repository: RepositoryName | undefined;
  /** Every image of it, in the index's order. */
  readonly instances: readonly CatalogInstance[];
  readonly files: CatalogFiles;
}

/**
 * Reads a catalog image: all manifests and configs, and the layers of the first instance, which has the same catalog as the others
 * (reference §7.2). @throws AirlockError CATALOG_UNREADABLE, MANIFEST_UNKNOWN, REGISTRY_*
 */
export async function readCatalogImage(collector: Collector, entry: OperatorCatalog, run: Run): Promise<CatalogImage> {
  const name = parseImageName(entry.catalog);
  const reference = name.transport === 'docker' ? parseReference(entry.catalog) : undefined;
  const closure = reference
    ? await readClosure(collector, reference, [], run)
    : await readLayoutClosure(collector, name.path, run);
  const repository = reference && { registry: reference.registry, repository: reference.repository };
  const images = closure.manifests.filter((manifest) => manifest.blobs.length > 0);
  const order = [...flatten(closure.root, closure)];
  images.sort((a, b) => order.indexOf(a.digest) - order.indexOf(b.digest));
  const instances: CatalogInstance[] = [];
  for (const image of images)
    instances.push(await readInstance(collector, image, platformIn(closure, image.digest), repository, run));
  const [first] = instances;
  const [image] = images;
  if (!first || !image) throw new AirlockError('CATALOG_UNREADABLE', `${entry.catalog} holds no image`);
  const root = text(field(field(field(parseConfig(first.configBytes), 'config'), 'Labels'), configsLabel));
  if (root === '')
    throw new AirlockError(
      'CATALOG_UNREADABLE',
      `${entry.catalog} has no label ${configsLabel}, so it holds no file-based catalog`,
    );
  for (const layer of first.layers) await keep(collector, image, layer, repository, run);
  const layers = first.layers.map((layer) => layer.digest);
  const files = await findCatalogFiles(layers, root.replace(/^\/+|\/+$/g, ''), collector.kept, run);
  if (files.count === 0) throw new AirlockError('CATALOG_UNREADABLE', `${entry.catalog} has no files below ${root}`);
  return { name, closure, repository, instances, files };
}

async function readInstance(
  collector: Collector,
  image: GatheredManifest,
  platform: Platform | undefined,
  repository: RepositoryName | undefined,
  run: Run,
): Promise<CatalogInstance> {
  const bytes = await collector.kept.find(image.digest, run);
  const manifest = bytes && parseManifest(bytes, image.mediaType);
  if (manifest?.kind !== 'image') throw new AirlockError('CATALOG_UNREADABLE', `${image.digest} is no image`);
  await keep(collector, image, manifest.config, repository, run);
  const configBytes = await collector.kept.find(manifest.config.digest, run);
  if (!configBytes) throw new AirlockError('CATALOG_UNREADABLE', `the config of ${image.digest} cannot be read`);
  return { config: manifest.config, layers: manifest.layers, annotations: manifest.annotations, platform, configBytes };
}

async function keep(
  collector: Collector,
  image: GatheredManifest,
  blob: Descriptor,
  repository: RepositoryName | undefined,
  run: Run,
): Promise<void> {
  if (repository) await keepBlob(blob, { source: collector.source, repository, kept: collector.kept }, run);
  if (!image.keptBlobs.includes(blob.digest)) image.keptBlobs.push(blob.digest);
}

function* flatten(manifest: GatheredManifest, closure: Closure): Generator<Digest> {
  yield manifest.digest;
  for (const child of manifest.manifests) {
    const found = closure.manifests.find((one) => one.digest === child.digest);
    if (found) yield* flatten(found, closure);
  }
}

function platformIn(closure: Closure, digest: Digest): Platform | undefined {
  return closure.manifests.flatMap((manifest) => manifest.manifests).find((child) => child.digest === digest)?.platform;
}
