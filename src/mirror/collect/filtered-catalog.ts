import type { OperatorCatalog } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { type Digest, digestHex } from '../../oci/index.ts';
import type { SelectedImage } from '../../plan/index.ts';
import { checkCatalog } from '../catalog/check.ts';
import { addDocument, type CatalogContent } from '../catalog/content.ts';
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
  const { kept } = collector;
  const hash = filterHash(entry, image.closure.root.digest);
  const files = await writeFiltered(collector, entry, image, { selection, hash }, run);
  if (!addOriginal(collector, entry, image, names, [])) return undefined;
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

/** The files of the filtered catalog. It has to be one that opm serves, which is checked on what is written, all faults at once. */
async function writeFiltered(
  collector: Collector,
  entry: OperatorCatalog,
  image: CatalogImage,
  { selection, hash }: { readonly selection: CatalogSelection; readonly hash: string },
  run: Run,
): Promise<FilteredFile[]> {
  const written: CatalogContent = new Map();
  const spill = await CatalogSpill.open(`${collector.kept.path(image.closure.root.digest)}.${hash}.spill`, run);
  try {
    await readCatalog(
      image.files,
      collector.kept,
      async (document) => {
        const kept = trimDocument(document, selection);
        if (!kept) return;
        addDocument(written, kept);
        await spill.add(kept);
      },
      run,
    );
    assertValid(entry, written);
    return await spill.writeFiles(collector.kept, run);
  } finally {
    await spill.close(run);
  }
}

function assertValid(entry: OperatorCatalog, content: CatalogContent): void {
  const faults = checkCatalog(content);
  if (faults.length === 0) return;
  throw new AirlockError(
    'CATALOG_INVALID',
    `what is selected of ${entry.catalog} is no catalog that opm would serve: ${faults.join('; ')}`,
    { hint: 'leave the packages out that are at fault, or ask the vendor of the catalog' },
  );
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
