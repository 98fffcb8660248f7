import { type Digest, isDigest, isRepository } from '../../oci/index.ts';
import { Refusal } from './respond.ts';

/** What a path means. A manifest has a tag, not yet checked for its form, or a digest. */
export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'tags'; readonly repository: string }
  | { readonly kind: 'manifest'; readonly repository: string; readonly tag?: string; readonly digest?: Digest }
  | { readonly kind: 'referrers'; readonly repository: string; readonly digest: Digest }
  | { readonly kind: 'blob'; readonly repository: string; readonly digest: Digest }
  | { readonly kind: 'uploads'; readonly repository: string }
  | { readonly kind: 'upload'; readonly repository: string; readonly id: string };

// Endpoints of the specification; `<name>` is greedy, since a repository may hold the words `blobs` or `manifests` itself.
const forms =
  /^\/v2\/(.+)\/(?:(tags)\/list|(manifests)\/([^/]+)|(referrers)\/([^/]+)|blobs\/(uploads)\/?|blobs\/uploads\/([^/]+)|(blobs)\/([^/]+))$/;

/**
 * Finds what a decoded path means; undefined for one that the specification does not know.
 * @throws Refusal NAME_INVALID, DIGEST_INVALID
 * @see OCI distribution-spec v1.1, "Endpoints"
 */
export function findRoute(path: string): Route | undefined {
  if (path === '/v2/' || path === '/v2') return { kind: 'base' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  const match = forms.exec(path);
  if (!match) return undefined;
  const [, repository = '', tags, manifests, reference = '', referrers, subject = '', uploads, id, , blob = ''] = match;
  if (!isRepository(repository)) throw new Refusal('NAME_INVALID', `"${repository}" is not a repository name`);
  if (tags) return { kind: 'tags', repository };
  if (manifests) return { kind: 'manifest', repository, ...parseTagOrDigest(reference) };
  if (referrers) return { kind: 'referrers', repository, digest: parseAnyDigest(subject) };
  if (uploads) return { kind: 'uploads', repository };
  if (id !== undefined) return { kind: 'upload', repository, id };
  return { kind: 'blob', repository, digest: parseAnyDigest(blob) };
}

/** @throws Refusal DIGEST_INVALID also for algorithms that cannot be checked here */
export function parseAnyDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new Refusal('DIGEST_INVALID', `"${text}" is not a sha256 or sha512 digest`);
}

function parseTagOrDigest(text: string): { tag: string } | { digest: Digest } {
  if (text.includes(':')) return { digest: parseAnyDigest(text) };
  return { tag: text };
}
