import path from 'node:path';
import type { OperatorCatalog } from '../../config/index.ts';
import { findFile } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { type Digest, digestHex } from '../../oci/index.ts';
import type { ImageType, SelectedPackage } from '../../plan/index.ts';
import { addDocument, type CatalogContent } from '../catalog/content.ts';
import { createDocumentParser } from '../catalog/documents.ts';
import { filterHash, filterHashAsWritten } from '../catalog/filter-hash.ts';
import { addMissing } from '../collect/collector.ts';
import { readSourceTemplate } from '../collect/describe-catalog.ts';
import { digestTag, type ImageName, parseImageName } from '../naming.ts';
import { type Description, listFolder } from './description.ts';

const catalogsFolder = 'operator-catalogs';

/**
 * The catalogs of the image set as the binary left them: the original, the rebuilt one under its filter hash, and what it selects. Returns
 * what each operator image is, by origin. @see reference §5.2, §5.3, §7.5
 */
export async function nameCatalogs(description: Description, run: Run): Promise<Map<string, ImageType>> {
  const types = new Map<string, ImageType>();
  for (const entry of description.content.imageSet.mirror.operators) {
    const content = await nameCatalog(description, entry, run);
    for (const { bundles } of content.values()) {
      for (const bundle of bundles.values()) {
        for (const image of bundle.relatedImages) types.set(bare(image), 'operatorRelatedImage');
        types.set(bare(bundle.image), 'operatorBundle');
      }
    }
  }
  return types;
}

const bare = (origin: string): string => origin.replace(/^docker:\/\//, '');

async function nameCatalog(description: Description, entry: OperatorCatalog, run: Run): Promise<CatalogContent> {
  const { collector, findDigest, add, placed } = description;
  const name = parseImageName(entry.catalog);
  const isRemote = name.transport === 'docker';
  const repository = entry.targetCatalog || (isRemote ? name.path : path.posix.basename(name.path));
  const ownTag = entry.targetTag || name.tag || (isRemote ? undefined : 'latest');
  const tag = ownTag ?? digestTag(name.digest);
  const digest = findDigest(repository, tag);
  const origin = bare(entry.catalog);
  if (digest === undefined) {
    addMissing(
      collector,
      { type: 'operatorCatalog', origin },
      'OC_MIRROR_ARCHIVE_INCOMPLETE',
      `the archive has no ${repository}:${tag}`,
    );
    return new Map();
  }
  placeCopied(description, name, digest);
  placed.add(origin);
  const folder = path.join(catalogsFolder, path.posix.basename(name.path), digestHex(digest));
  const image = { type: 'operatorCatalog', origin, repository, reason: 'operator catalog' } as const;
  const isWhole = entry.full && (entry.packages ?? []).length === 0;
  const filtered = isWhole ? undefined : await findFiltered(description, { entry, digest, repository, folder }, run);
  if (!isWhole && filtered === undefined) {
    const why = `the archive has no ${repository}:${tag} filtered as the configuration asks`;
    addMissing(collector, { type: 'operatorCatalog', origin }, 'OC_MIRROR_ARCHIVE_INCOMPLETE', why);
    return new Map();
  }
  const rebuilt = filtered?.digest;
  const target = { repository, tag: ownTag ?? digestTag(rebuilt ?? digest) };
  if (filtered) {
    add({ ...image, tag, targets: [], reason: 'operator catalog as it is at its source' });
    add({ ...image, ...filtered.place, targets: [target], reason: 'operator catalog, filtered' });
  } else add({ ...image, tag, targets: [target] });
  const content = await readContent(description, path.join(filtered?.folder ?? folder, 'catalog-config'), run);
  const template = await readSourceTemplate(collector, entry, run);
  collector.catalogs.push({
    origin: entry.catalog,
    digest,
    targetDigest: rebuilt ?? digest,
    ...target,
    packages: [...content.values()].map(describePackage).sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...(template === undefined ? {} : { sourceTemplate: template }),
  });
  return content;
}

/** The output names a catalog by the digest that it was pinned to. */
function placeCopied({ content, placed }: Description, name: ImageName, digest: Digest): void {
  for (const origin of content.copied) {
    const copied = parseImageName(origin);
    if (copied.path === name.path && (copied.digest === digest || copied.transport !== 'docker')) placed.add(origin);
  }
}

interface FilteredCatalog {
  readonly digest: Digest;
  /** Where the archive holds it. */
  readonly place: { readonly repository: string; readonly tag: string };
  /** Below the working-dir: its content. */
  readonly folder: string;
}

/**
 * The rebuilt catalog of an entry: by its filter hash, as newer or as older ones compute it; else the only one that this catalog has. It lies under
 * the hash as its tag, but for a path that holds the text of the tag: there the binary puts the hash into the path (reference §11.6 no. 3).
 */
async function findFiltered(
  { content, findDigest }: Description,
  about: {
    readonly entry: OperatorCatalog;
    readonly digest: Digest;
    readonly repository: string;
    readonly folder: string;
  },
  run: Run,
): Promise<FilteredCatalog | undefined> {
  const hashes = await listFolder(content, run, about.folder, 'filtered-catalogs');
  const own = [filterHash(about.entry, about.digest), filterHashAsWritten(about.entry)];
  const hash = own.find((one) => hashes.includes(one)) ?? (hashes.length === 1 ? hashes[0] : undefined);
  if (hash === undefined) return undefined;
  const folder = path.join(about.folder, 'filtered-catalogs', hash);
  const usual = findDigest(about.repository, hash);
  if (usual !== undefined) return { digest: usual, place: { repository: about.repository, tag: hash }, folder };
  const noted = (await findFile(path.join(content.workingFolder, folder, 'digest'), run, 1 << 10))?.toString().trim();
  for (const { name, tags } of content.repositories) {
    const found = Object.entries(tags).find(([, digest]) => digestHex(digest) === noted);
    if (found) return { digest: found[1], place: { repository: name, tag: found[0] }, folder };
  }
  return undefined;
}

async function readContent({ content }: Description, folder: string, run: Run): Promise<CatalogContent> {
  const found: CatalogContent = new Map();
  const walk = async (below: string): Promise<void> => {
    for (const entry of await run.disk.list(below)) {
      const file = path.join(below, entry.name);
      if (entry.kind === 'directory') await walk(file);
      else if (/\.(?:json|ya?ml)$/.test(entry.name)) {
        const bytes = (await findFile(file, run, 1 << 30)) ?? Buffer.alloc(0);
        const parser = createDocumentParser(file, (document) => addDocument(found, document));
        parser.write(bytes);
        parser.end();
      }
    }
  };
  await walk(path.join(content.workingFolder, folder));
  return found;
}

function describePackage(one: CatalogContent extends Map<string, infer P> ? P : never): SelectedPackage {
  return {
    name: one.name,
    defaultChannel: one.defaultChannel ?? '',
    channels: [...one.channels].map(([name, entries]) => ({
      name,
      bundles: entries.flatMap((entry) => {
        const bundle = one.bundles.get(entry.name);
        return bundle ? [{ name: entry.name, version: bundle.version ?? '', reason: 'oc-mirror' }] : [];
      }),
    })),
  };
}
