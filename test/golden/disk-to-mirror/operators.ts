import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseConcatenated } from '../outcome.ts';
import { digestTag, type Job, type OperatorSet, splitReference } from './job.ts';

interface CatalogBlob {
  readonly schema?: string;
  readonly relatedImages?: readonly { readonly image: string }[];
}

/** How a catalog is called in the cache (reference §5.2). */
interface CatalogNames {
  readonly repository: string;
  readonly tag: string;
  /** The text that the filter hash is made over, without digest. */
  readonly hashed: string;
  readonly component: string;
  readonly digest: string;
}

/** What disk-to-mirror copies for `operators`: it reads what mirror-to-disk filtered, and never rebuilds (reference §7.6). */
export function collectOperators(operators: readonly OperatorSet[], job: Job): void {
  for (const operator of operators) {
    const names = namesOf(operator);
    const digest = (names.digest || job.cache.resolveTag(names.repository, names.tag)).slice(7);
    const folder = path.join(job.workingDir, 'operator-catalogs', names.component, digest);
    const whole = operator.full === true && !operator.packages?.length;
    if (whole) collectWhole(operator, names, digest, folder, job);
    else collectFiltered(operator, names, digest, folder, job);
  }
}

function namesOf(operator: OperatorSet): CatalogNames {
  const { catalog, targetCatalog, targetTag } = operator;
  if (catalog.startsWith('oci://')) {
    const folder = catalog.slice('oci://'.length);
    const component = path.basename(folder);
    return {
      repository: targetCatalog ?? component,
      tag: targetTag ?? 'latest',
      hashed: folder,
      component,
      digest: '',
    };
  }
  const parts = splitReference(catalog);
  const tag = targetTag ?? (parts.tag || digestTag(parts.digest));
  return {
    repository: targetCatalog ?? parts.path,
    tag,
    hashed: parts.name,
    component: path.basename(parts.path),
    digest: parts.digest,
  };
}

function collectFiltered(operator: OperatorSet, names: CatalogNames, digest: string, folder: string, job: Job): void {
  const { repository } = names;
  const hash = filterHash(operator, `${names.hashed}@sha256:${digest}`);
  const filtered = path.join(folder, 'filtered-catalogs', hash);
  const rebuilt = readFileSync(path.join(filtered, 'digest'), 'latin1');
  if (!/^[0-9a-f]{64}$/.test(rebuilt)) throw new Error(`${filtered}/digest: ${JSON.stringify(rebuilt)}`);
  if (job.cache.resolveTag(repository, hash) !== `sha256:${rebuilt}`)
    throw new Error(`${hash}: the catalog would be filtered again, from its source`);
  if (!job.cache.readManifest(repository, `sha256:${rebuilt}`).manifests) throw new Error(`${hash}: no index`);
  collectRelated(path.join(filtered, 'catalog-config'), operator, job);
  const targetTag = operator.targetTag || !names.digest ? names.tag : `sha256-${rebuilt}`;
  job.copy({ origin: operator.catalog, repository, tag: hash, targetTag, platforms: operator.platforms });
}

/** A whole catalog of a registry is asked from its source again; of an oci:// folder the working-dir has a copy. */
function collectWhole(operator: OperatorSet, names: CatalogNames, digest: string, folder: string, job: Job): void {
  if (operator.catalog.startsWith('oci://')) collectRelated(unpackedCatalog(folder, digest), operator, job);
  const { repository, tag } = names;
  job.copy({ origin: operator.catalog, repository, tag, platforms: operator.platforms });
}

/** Unpacks the first image of `catalog-image` to `catalog-config`, and gives the folder that its configs label names (reference §7.2). */
function unpackedCatalog(folder: string, digest: string): string {
  const image = path.join(folder, 'catalog-image');
  const blob = (name: string): string => path.join(image, 'blobs/sha256', name.slice('sha256:'.length));
  const read = (name: string): unknown => JSON.parse(readFileSync(blob(name), 'utf8'));
  const index = JSON.parse(readFileSync(path.join(image, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  if (index.manifests[0]?.digest !== `sha256:${digest}`) throw new Error(`${image}: another index`);
  let manifest = read(index.manifests[0].digest) as LayoutManifest;
  while (manifest.manifests?.[0]) manifest = read(manifest.manifests[0].digest) as LayoutManifest;
  const { config } = read(manifest.config?.digest ?? '') as { config: { Labels: Record<string, string> } };
  const target = path.join(folder, 'catalog-config');
  mkdirSync(target, { recursive: true });
  for (const layer of manifest.layers ?? []) execFileSync('tar', ['-xf', blob(layer.digest), '-C', target]);
  return path.join(target, config.Labels['operators.operatorframework.io.index.configs.v1'] ?? '');
}

interface LayoutManifest {
  readonly manifests?: readonly { readonly digest: string }[];
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
}

function collectRelated(folder: string, operator: OperatorSet, job: Job): void {
  if (!existsSync(folder)) throw new Error(`${folder} is not there`);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const images = new Set<string>();
  for (const file of files) {
    for (const text of parseConcatenated(readFileSync(path.join(file.parentPath, file.name), 'utf8'))) {
      const blob = JSON.parse(text) as CatalogBlob;
      if (blob.schema === 'olm.bundle') for (const { image } of blob.relatedImages ?? []) images.add(image);
    }
  }
  if (images.size === 0) throw new Error('no related images found');
  for (const origin of images) {
    const parts = splitReference(origin);
    job.copy({
      origin,
      repository: parts.path,
      tag: parts.tag || digestTag(parts.digest),
      platforms: operator.platforms,
    });
  }
}

/** MD5 over Go's compact JSON of the entry, keys in the order of its structures (reference §7.5). */
export function filterHash(operator: OperatorSet, catalog: string): string {
  const packages = operator.packages?.map((one) => ({
    name: one.name,
    ...(one.channels?.length
      ? { channels: one.channels.map((channel) => ({ name: channel.name, ...range(channel) })) }
      : {}),
    ...(one.defaultChannel ? { defaultChannel: one.defaultChannel } : {}),
    ...range(one),
  }));
  const platforms = operator.platforms?.map(({ os, architecture }) => ({ os, architecture }));
  const text = JSON.stringify({
    packages: packages ?? null,
    catalog,
    ...(operator.full ? { full: true } : {}),
    ...(operator.skipDependencies ? { skipDependencies: true } : {}),
    ...(platforms?.length ? { platforms } : {}),
  });
  const escaped = text.replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return createHash('md5').update(escaped).digest('hex');
}

function range(one: { readonly minVersion?: string; readonly maxVersion?: string }): Record<string, string> {
  return {
    ...(one.minVersion ? { minVersion: one.minVersion } : {}),
    ...(one.maxVersion ? { maxVersion: one.maxVersion } : {}),
  };
}
