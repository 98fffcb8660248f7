import path from 'node:path';
import type { OperatorCatalog } from '../../config/index.ts';
import { AirlockError, errorText } from '../../core/errors.ts';
import { readFileLimited } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { type Digest, digestHex } from '../../oci/index.ts';
import type { SelectedCatalog, SelectedImage, TargetName } from '../../plan/index.ts';
import { checkCatalog } from '../catalog/check.ts';
import { addDocument, type CatalogContent, packageOf } from '../catalog/content.ts';
import { type CatalogSelection, filterCatalog } from '../catalog/filter.ts';
import { filterHash } from '../catalog/filter-hash.ts';
import { trimDocument } from '../catalog/format.ts';
import { catalogChange, writeCatalogLayers } from '../catalog/rebuild.ts';
import { readCatalog } from '../catalog/scan.ts';
import { CatalogSpill, type FilteredFile } from '../catalog/spill.ts';
import { appendLayers, type BuiltManifest, buildIndex } from '../layer/append-layers.ts';
import { assertStorageName, digestTag } from '../naming.ts';
import { findAttached } from './attached.ts';
import { type CatalogImage, readCatalogImage } from './catalog-image.ts';
import { addNote, type Collector, orMissing, repositoryText } from './collector.ts';
import { addAttached } from './image.ts';
import { gatherBuilt } from './instances.ts';
import { addRelatedImages } from './related-images.ts';
import { addWorkingFile } from './working-files.ts';

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
  await readCatalog(
    image.files,
    collector.kept,
    (document) => {
      if (wanted.size === 0 || wanted.has(packageOf(document))) addDocument(content, document);
    },
    run,
  );
  const isWhole = entry.full && wanted.size === 0;
  const selection = filterCatalog(content, entry);
  for (const note of selection.notes) addNote(collector, note, run);
  if (!isWhole) assertValid(entry, content, selection);
  const names = nameCatalog(entry, image);
  const built = isWhole
    ? await addWhole(collector, entry, image, names, run)
    : await addFiltered(collector, entry, image, names, selection, run);
  if (!built) return;
  await addRelatedImages(collector, entry, content, selection, run);
  collector.catalogs.push(await describeCatalog(collector, entry, image, { ...built, content, selection }, run));
  run.report({ stage: 'plan', state: 'finished', subject: entry.catalog });
}

/** The rebuilt catalog has to be one that opm serves: checked on what is kept, all faults at once. */
function assertValid(entry: OperatorCatalog, content: CatalogContent, selection: CatalogSelection): void {
  const kept: CatalogContent = new Map();
  for (const [name, chosen] of selection.packages) {
    const whole = content.get(name);
    if (!whole) continue;
    const channels = [...chosen.channels].map(
      ([channel, names]) =>
        [channel, (whole.channels.get(channel) ?? []).filter((one) => names.has(one.name))] as const,
    );
    kept.set(name, {
      ...whole,
      defaultChannel: whole.defaultChannel === undefined ? undefined : chosen.defaultChannel,
      channels: new Map(channels),
      bundles: new Map([...whole.bundles].filter(([bundle]) => chosen.bundles.has(bundle))),
    });
  }
  const faults = checkCatalog(kept);
  if (faults.length > 0) {
    throw new AirlockError(
      'CATALOG_INVALID',
      `what is selected of ${entry.catalog} is no catalog that opm would serve: ${faults.join('; ')}`,
      {
        hint: 'leave the packages out that are at fault, or ask the vendor of the catalog',
      },
    );
  }
}

interface CatalogNames {
  readonly repository: string;
  /** Of the original in storage. */
  readonly tag: string;
  /** At the target; undefined when it is made of the digest there. */
  readonly targetTag: string | undefined;
  /** Below `operator-catalogs/` in the working-dir. */
  readonly folder: string;
}

function nameCatalog(entry: OperatorCatalog, image: CatalogImage): CatalogNames {
  const { name, closure } = image;
  const own = name.transport === 'docker' ? name.path : path.posix.basename(name.path);
  const tag = entry.targetTag || name.tag || (name.transport === 'docker' ? undefined : 'latest');
  const stored = { repository: entry.targetCatalog || own, tag: tag ?? digestTag(closure.root.digest) };
  assertStorageName(stored, entry.catalog);
  return {
    ...stored,
    targetTag: tag,
    folder: `operator-catalogs/${path.posix.basename(name.path)}/${digestHex(closure.root.digest)}`,
  };
}

interface BuiltCatalog {
  readonly targetDigest: Digest;
  readonly target: TargetName;
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
  }
  return { targetDigest: image.closure.root.digest, target };
}

/** The catalog as it is at its source. With `targets` [] only the bundle has it, where real oc-mirror looks for it. */
function addOriginal(
  collector: Collector,
  entry: OperatorCatalog,
  image: CatalogImage,
  names: CatalogNames,
  targets: readonly TargetName[],
): boolean {
  if (collector.isBlocked(entry.catalog, `${names.repository}:${names.tag}`)) return false;
  const { root } = image.closure;
  collector.images.push({
    type: 'operatorCatalog',
    origin: entry.catalog,
    source: image.repository ? `${repositoryText(image.repository)}@${root.digest}` : 'kept:',
    repository: names.repository,
    tag: names.tag,
    targets,
    digest: root.digest,
    mediaType: root.mediaType,
    absent: absentInstances(entry, root.manifests),
    signature: 'not-checked',
    reason: targets.length > 0 ? 'operator catalog' : 'operator catalog as it is at its source',
  });
  return true;
}

async function addFiltered(
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

/** Instances that `platforms` leaves out of a catalog (reference §7.7). */
function absentInstances(
  entry: OperatorCatalog,
  instances: readonly {
    readonly digest: Digest;
    readonly platform?: { readonly os: string; readonly architecture: string } | undefined;
  }[],
): Digest[] {
  if (entry.platforms.length === 0) return [];
  const isWanted = (platform: { readonly os: string; readonly architecture: string } | undefined): boolean =>
    entry.platforms.some((one) => one.os === platform?.os && one.architecture === platform.architecture);
  return instances.filter((one) => !isWanted(one.platform)).map((one) => one.digest);
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
  for (const file of files) {
    const place = `working-dir/${folder}/catalog-config/${file.path}`;
    if (collector.files.some((known) => known.path === place)) continue;
    collector.files.push({
      path: place,
      sizeBytes: file.sizeBytes,
      sha256: digestHex(file.sha256),
      mode: 0o644,
      role: 'working-dir',
      content: { kind: 'kept' },
      origin,
    });
  }
}

async function describeCatalog(
  collector: Collector,
  entry: OperatorCatalog,
  image: CatalogImage,
  facts: BuiltCatalog & { readonly content: CatalogContent; readonly selection: CatalogSelection },
  run: Run,
): Promise<SelectedCatalog> {
  const template = await readTemplate(collector, entry, run);
  return {
    origin: entry.catalog,
    digest: image.closure.root.digest,
    targetDigest: facts.targetDigest,
    repository: facts.target.repository,
    tag: facts.target.tag,
    packages: [...facts.selection.packages.values()]
      .map((chosen) => ({
        name: chosen.name,
        defaultChannel: chosen.defaultChannel,
        channels: [...chosen.channels].map(([name, bundles]) => ({
          name,
          bundles: [...bundles].map((bundle) => ({
            name: bundle,
            version: facts.content.get(chosen.name)?.bundles.get(bundle)?.version ?? '',
            reason: chosen.bundles.get(bundle) ?? '',
          })),
        })),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...(template === undefined ? {} : { sourceTemplate: template }),
  };
}

async function readTemplate(collector: Collector, entry: OperatorCatalog, run: Run): Promise<string | undefined> {
  if (!entry.targetCatalogSourceTemplate) return undefined;
  try {
    return (await readFileLimited(entry.targetCatalogSourceTemplate, run, 1 << 20)).toString('utf8');
  } catch (error) {
    addNote(
      collector,
      {
        code: 'CATALOG_TEMPLATE_UNREADABLE',
        subject: entry.catalog,
        message: `its targetCatalogSourceTemplate is not used: ${errorText(error)}`,
      },
      run,
    );
    return undefined;
  }
}
