import path from 'node:path';
import type { OperatorCatalog } from '../../config/index.ts';
import { type Digest, digestHex } from '../../oci/index.ts';
import type { TargetName } from '../../plan/index.ts';
import { assertStorageName, digestTag } from '../naming.ts';
import type { CatalogImage } from './catalog-image.ts';
import { type Collector, repositoryText } from './collector.ts';

/** How a catalog is called in storage, at the target and in the working-dir. */
export interface CatalogNames {
  readonly repository: string;
  /** Of the original in storage. */
  readonly tag: string;
  /** At the target; undefined when it is made of the digest there. */
  readonly targetTag: string | undefined;
  /** Below `operator-catalogs/` in the working-dir. */
  readonly folder: string;
}

/** What lies at the target of a catalog. */
export interface BuiltCatalog {
  readonly targetDigest: Digest;
  readonly target: TargetName;
}

/** Names by reference §5.2 and §5.3. @throws AirlockError IMAGE_NAME_INVALID */
export function nameCatalog(entry: OperatorCatalog, image: CatalogImage): CatalogNames {
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

/** The catalog as it is at its source. With `targets` [] only the bundle has it, where real oc-mirror looks for it. */
export function addOriginal(
  collector: Collector,
  entry: OperatorCatalog,
  image: CatalogImage,
  names: CatalogNames,
  targets: readonly TargetName[],
): boolean {
  if (collector.isBlocked(entry.catalog, `/${names.repository}:${names.tag}`)) return false;
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

/** Instances that `platforms` leaves out of a catalog (reference §7.7). */
export function absentInstances(
  entry: OperatorCatalog,
  instances: readonly {
    readonly digest: Digest;
    readonly platform?: { readonly os: string; readonly architecture: string } | undefined;
  }[],
): Digest[] {
  if (entry.platforms.length === 0) return [];
  const isWanted = (platform: { readonly os: string; readonly architecture: string } | undefined): boolean =>
    !platform || entry.platforms.some((one) => one.os === platform.os && one.architecture === platform.architecture);
  return instances.filter((one) => !isWanted(one.platform)).map((one) => one.digest);
}
