import type { OperatorCatalog } from '../../config/index.ts';
import type { Run } from '../../core/run.ts';
import { type Digest, digestHex } from '../../oci/index.ts';
import type { SelectedImage } from '../../plan/index.ts';
import type { CatalogSelection } from '../catalog/filter.ts';
import { filterHash } from '../catalog/filter-hash.ts';
import { trimDocument } from '../catalog/format.ts';
import { catalogChange, writeCatalogLayers } from '../catalog/rebuild.ts';
import { readCatalog } from '../catalog/scan.ts';
import { CatalogSpill, type FilteredFile } from '../catalog/spill.ts';
import { appendLayers, type BuiltManifest, buildIndex } from '../layer/append-layers.ts';
import { digestTag } from '../naming.ts';
import type { CatalogImage } from './catalog-image.ts';
import { absentInstances, addOriginal, type BuiltCatalog, type CatalogNames } from './catalog-names.ts';
import type { Collector } from './collector.ts';
import { gatherBuilt } from './instances.ts';
import { addWorkingFile, linkWorkingFile } from './working-files.ts';

/** Adds a filtered catalog, rebuilt; its original goes along for the bundle alone. undefined when it is blocked. */
export async function addFiltered(
  collector: Collector,
  entry: OperatorCatalog,
  image: CatalogImage,
  names: CatalogNames,
  selection: CatalogSelection,
  run: Run,
): Promise<BuiltCatalog | undefined> {
  if (!addOriginal(collector, entry, image, names, [])) return undefined;
  const { kept } = collector;
  const hash = filterHash(entry, image.closure.root.digest);
  const files = await writeFiltered(collector, image, selection, hash, run);
  const layers = await writeCatalogLayers(files, kept, run);
  const instances: BuiltManifest[] = [];
  for (const instance of image.instances)
    instances.push(await appendLayers(instance, layers, catalogChange, kept, run));
  const index = await buildIndex(instances, catalogChange.family, kept, run);
  for (const built of [...instances, index]) gatherBuilt(collector, built, image.closure, image.repository);
  const target = { repository: names.repository, tag: names.targetTag ?? digestTag(index.digest) };
  const rebuilt: SelectedImage = {
    type: 'operatorCatalog',
    origin: entry.catalog,
    source: 'kept:',
    repository: names.repository,
    tag: hash,
    targets: [target],
    digest: index.digest,
    mediaType: index.mediaType,
    absent: absentInstances(
      entry,
      instances.map((one) => ({ digest: one.digest, platform: one.platform })),
    ),
    signature: 'unsigned',
    reason: 'operator catalog, filtered',
  };
  collector.images.push(rebuilt);
  addFilteredFiles(collector, `${names.folder}/filtered-catalogs/${hash}`, index.digest, files, entry.catalog);
  return { targetDigest: index.digest, target };
}

async function writeFiltered(
  collector: Collector,
  image: CatalogImage,
  selection: CatalogSelection,
  hash: string,
  run: Run,
): Promise<FilteredFile[]> {
  const spill = await CatalogSpill.open(`${collector.kept.path(image.closure.root.digest)}.${hash}.spill`, run);
  try {
    await readCatalog(
      image.files,
      collector.kept,
      async (document) => {
        const kept = trimDocument(document, selection);
        if (kept) await spill.add(kept);
      },
      run,
    );
    return await spill.writeFiles(collector.kept, run);
  } finally {
    await spill.close(run);
  }
}

/** Where real oc-mirror looks for a filtered catalog when it loads the bundle (reference §4.7). */
function addFilteredFiles(
  collector: Collector,
  folder: string,
  digest: Digest,
  files: readonly FilteredFile[],
  origin: string,
): void {
  addWorkingFile(collector, `${folder}/digest`, Buffer.from(digestHex(digest)), origin);
  for (const { path, sha256, sizeBytes } of files)
    linkWorkingFile(collector, `${folder}/catalog-config/${path}`, { digest: sha256, size: sizeBytes }, origin);
}
