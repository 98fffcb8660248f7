import type { OperatorCatalog } from '../../config/index.ts';
import type { Run } from '../../core/run.ts';
import { addDocument, type CatalogContent, packageOf } from '../catalog/content.ts';
import { filterCatalog } from '../catalog/filter.ts';
import { onlyFiles, readCatalog } from '../catalog/scan.ts';
import { findAttached } from './attached.ts';
import { type CatalogImage, readCatalogImage } from './catalog-image.ts';
import { addOriginal, type BuiltCatalog, type CatalogNames, nameCatalog } from './catalog-names.ts';
import { addNote, type Collector, orMissing } from './collector.ts';
import { describeCatalog } from './describe-catalog.ts';
import { addFiltered } from './filtered-catalog.ts';
import { addAttached } from './image.ts';
import { addRelatedImages } from './related-images.ts';
import { addCatalogLayout } from './whole-layout.ts';

/** Adds the operator catalogs with what they select (reference §7). One after the other: each may hold much of the disk. */
export async function collectOperators(
  collector: Collector,
  entries: readonly OperatorCatalog[],
  run: Run,
): Promise<void> {
  for (const entry of entries)
    await orMissing(collector, { type: 'operatorCatalog', origin: entry.catalog }, () =>
      collectCatalog(collector, entry, run),
    );
}

async function collectCatalog(collector: Collector, entry: OperatorCatalog, run: Run): Promise<void> {
  run.report({ stage: 'plan', state: 'started', subject: entry.catalog });
  const image = await readCatalogImage(collector, entry, run);
  const wanted = new Set((entry.packages ?? []).map((one) => one.name));
  const content: CatalogContent = new Map();
  // Files of nothing that is wanted are not read a second time: mostly each has one package.
  const used = new Set<string>();
  await readCatalog(
    image.files,
    collector.kept,
    (document, file) => {
      const owner = packageOf(document);
      if (wanted.size > 0 && !wanted.has(owner) && owner !== '') return;
      used.add(file);
      addDocument(content, document);
    },
    run,
  );
  const isWhole = entry.full && wanted.size === 0;
  const selection = filterCatalog(content, entry);
  for (const note of selection.notes) addNote(collector, note, run);
  const names = nameCatalog(entry, image);
  const built = isWhole
    ? await addWhole(collector, entry, image, names, run)
    : await addFiltered(collector, entry, { ...image, files: onlyFiles(image.files, used) }, names, selection, run);
  await addRelatedImages(collector, entry, content, selection, run);
  // A pattern in blockedImages that meets the catalog alone leaves its operators in, as in oc-mirror.
  if (built)
    collector.catalogs.push(await describeCatalog(collector, entry, image, { ...built, content, selection }, run));
  run.report({ stage: 'plan', state: 'finished', subject: entry.catalog });
}

/** A whole catalog goes as it is, with what is signed over it. */
async function addWhole(
  collector: Collector,
  entry: OperatorCatalog,
  image: CatalogImage,
  names: CatalogNames,
  run: Run,
): Promise<BuiltCatalog | undefined> {
  const target = { repository: names.repository, tag: names.tag };
  if (!addOriginal(collector, entry, image, names, [target])) return undefined;
  if (image.repository) {
    const request = { type: 'operatorCatalog', origin: entry.catalog, ...target, reason: '' } as const;
    const attached = await findAttached(collector, image.repository, image.closure, request, run);
    addAttached(collector, request, [target], attached);
  } else addCatalogLayout(collector, image, names.folder, entry.catalog);
  return { targetDigest: image.closure.root.digest, target };
}
