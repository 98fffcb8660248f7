import type { OperatorCatalog } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import { parseReference, type RepositoryName } from '../../oci/index.ts';
import { configsLabel } from '../catalog/rebuild.ts';
import { type CatalogFiles, findCatalogFiles } from '../catalog/scan.ts';
import { imageLabels } from '../layer/append-layers.ts';
import { type ImageName, parseImageName } from '../naming.ts';
import { type Closure, readClosure } from './closure.ts';
import type { Collector } from './collector.ts';
import { keepInstanceBlob, type ReadInstance, readInstances } from './instances.ts';
import { readLayoutClosure } from './layout-image.ts';

const layersAtOnce = 4;

/** A catalog image as it is at its source, whole. */
export interface CatalogImage {
  readonly name: ImageName;
  readonly closure: Closure;
  /** undefined for `oci://`. */
  readonly repository: RepositoryName | undefined;
  /** Every image of it, in the index's order. */
  readonly instances: readonly ReadInstance[];
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
    : await readLayoutClosure(collector, name.path, { nests: true }, run);
  const repository = reference && { registry: reference.registry, repository: reference.repository };
  const instances = await readInstances(collector, closure, repository, run);
  const [first] = instances;
  if (!first) throw new AirlockError('CATALOG_UNREADABLE', `${entry.catalog} holds no image`);
  const root = imageLabels(first.configBytes)[configsLabel] ?? '';
  if (root === '')
    throw new AirlockError(
      'CATALOG_UNREADABLE',
      `${entry.catalog} has no label ${configsLabel}, so it holds no file-based catalog`,
    );
  await mapLimited(first.layers, layersAtOnce, (layer) =>
    keepInstanceBlob(collector, first.manifest, layer, repository, run),
  );
  const layers = first.layers.map((layer) => layer.digest);
  const files = await findCatalogFiles(layers, root.replace(/^\/+|\/+$/g, ''), collector.kept, run);
  if (files.count === 0) throw new AirlockError('CATALOG_UNREADABLE', `${entry.catalog} has no files below ${root}`);
  return { name, closure, repository, instances, files };
}
