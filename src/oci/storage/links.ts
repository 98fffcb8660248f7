import type { Digest } from '../digest.ts';
import { layerLinkPath, revisionLinkPath, tagIndexLinkPath, tagLinkPath } from './paths.ts';

/** Everything that one repository of a storage tree links to. */
export interface RepositoryContent {
  readonly name: string;
  readonly tags: Readonly<Record<string, Digest>>;
  /** Every manifest and index, children included; sorted. */
  readonly revisions: readonly Digest[];
  /** Every config and layer; sorted. */
  readonly layers: readonly Digest[];
}

/** A link file: path below the storage root's parent and the digest that is its whole content. */
export interface LinkFile {
  readonly path: string;
  readonly digest: Digest;
}

/**
 * The link files of a repository, by rule, in the order in which a directory walk by name meets them (`_layers`, `_manifests/revisions`,
 * `_manifests/tags`): what distribution would have written for the same content.
 */
export function* repositoryLinks(content: RepositoryContent): Generator<LinkFile> {
  for (const digest of content.layers) yield { path: layerLinkPath(content.name, digest), digest };
  for (const digest of content.revisions) yield { path: revisionLinkPath(content.name, digest), digest };
  for (const tag of Object.keys(content.tags).sort()) {
    const digest = content.tags[tag];
    if (digest === undefined) continue;
    yield { path: tagLinkPath(content.name, tag), digest };
    yield { path: tagIndexLinkPath(content.name, tag, digest), digest };
  }
}

/** Repository names in the order of a directory walk: by path elements, so that `acme/x` comes before `acme-alpha/x`. */
export function compareRepositories(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const [x = '', y = ''] = [left[at], right[at]];
    if (x !== y) return x < y ? -1 : 1;
  }
  return left.length - right.length;
}
