import { parseMirrorReference } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { isRepository, isTag } from '../oci/index.ts';

/**
 * An image name as oc-mirror's own parser splits it (reference §1.6). All names in storage and at the target derive from these parts;
 * what is pulled goes through `parseReference`, which is stricter.
 */
export interface ImageName {
  /** `docker` or `oci`: what stood before `://`. */
  readonly transport: string;
  /** Registry host; '' when the name has one element only, and for other transports. */
  readonly domain: string;
  /** The path without its first element; for other transports all of it. */
  readonly path: string;
  readonly tag: string;
  /** `sha256:…`, or ''. */
  readonly digest: string;
}

/** Splits an image name as oc-mirror does. @throws AirlockError IMAGE_NAME_INVALID */
export function parseImageName(text: string): ImageName {
  const parsed = parseMirrorReference(text);
  if ('fault' in parsed)
    throw new AirlockError('IMAGE_NAME_INVALID', `"${text}" is no usable image name: ${parsed.fault}`);
  const { transport, domain, tag } = parsed;
  const digest = parsed.algorithm ? `${parsed.algorithm}:${parsed.digestHex}` : '';
  return { transport, domain, path: parsed.pathComponent, tag, digest };
}

/** The tag that stands for a digest: `sha256-<hex>`. */
export function digestTag(digest: string): string {
  return digest.replace(':', '-');
}

/** Whether a tag is one of those under which cosign puts what belongs to another image. */
export function isCosignTag(tag: string): boolean {
  return /^sha256-[0-9a-f]{64}\.(?:sig|att|sbom)$/.test(tag);
}

/** Cuts a release tag as oc-mirror does: above 128 characters it keeps 127 (reference §5.2). */
export function releaseTag(tag: string): string {
  return tag.length > 128 ? tag.slice(0, 127) : tag;
}

/** The storage name of an operator, related or helm image (reference §5.2): its path, and its tag or what stands for its digest. */
export function imageStorageName(name: ImageName): { readonly repository: string; readonly tag: string } {
  return { repository: name.path, tag: name.tag || digestTag(name.digest) };
}

/** The storage name of an additional image, with what the configuration puts in its place. */
export function additionalStorageName(
  name: ImageName,
  target: { readonly targetRepo?: string | undefined; readonly targetTag?: string | undefined },
): { readonly repository: string; readonly tag: string } {
  const own =
    name.transport === 'docker'
      ? imageStorageName(name)
      : { repository: name.path.replace(/^\/+/, '').replace(/\/+$/, ''), tag: 'latest' };
  return { repository: target.targetRepo || own.repository, tag: target.targetTag || own.tag };
}

/**
 * Refuses a name that no registry takes, such as an upper-case folder of an `oci://` image or a bad `targetTag`.
 * @throws AirlockError IMAGE_NAME_INVALID
 */
export function assertStorageName(name: { readonly repository: string; readonly tag: string }, origin: string): void {
  const fault = !isRepository(name.repository)
    ? `"${name.repository}" is not a repository path (lower-case letters, digits and . _ - between them)`
    : !isTag(name.tag)
      ? `"${name.tag}" is not a tag`
      : undefined;
  if (fault === undefined) return;
  throw new AirlockError('IMAGE_NAME_INVALID', `${origin} cannot be stored under its name: ${fault}`, {
    hint: 'give it another name at the target (targetRepo, targetCatalog, targetTag)',
  });
}
