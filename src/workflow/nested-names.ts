import { type MirrorTarget, targetRepository } from '../manifests/index.ts';
import type { RepositoryContent } from '../oci/index.ts';

type Named = Pick<RepositoryContent, 'name' | 'tags' | 'revisions'>;

/** Repositories as a copy names them at the target. */
export interface PlacedRepositories<T extends Named> {
  readonly repositories: readonly (T | Named)[];
  /** What the copy has to put before their names. */
  readonly prefix: string;
  /** The names in the set that one at the target stands for. */
  readonly originals: (name: string) => readonly string[];
}

/**
 * Where the target limits nested paths names are joined, prefix included, and two may become one; else they stay. A tag that both have means the
 * image of the later one; the other can be pulled by digest alone, which a warning says.
 */
export function placeRepositories<T extends Named>(
  repositories: readonly T[],
  target: MirrorTarget,
  warn: (message: string) => void,
): PlacedRepositories<T> {
  if (!target.maxNestedPaths) return { repositories, prefix: target.prefix, originals: (name) => [name] };
  const placed = new Map<string, T[]>();
  for (const one of repositories) {
    const name = targetRepository(one.name, target);
    placed.set(name, [...(placed.get(name) ?? []), one]);
  }
  for (const [name, parts] of placed) warnOfSharedTags(name, parts, warn);
  return {
    repositories: [...placed].map(([name, parts]) => ({
      name,
      tags: Object.assign({}, ...parts.map((part) => part.tags)),
      revisions: [...new Set(parts.flatMap((part) => part.revisions))],
    })),
    prefix: '',
    originals: (name) => (placed.get(name) ?? []).map((one) => one.name),
  };
}

function warnOfSharedTags(name: string, parts: readonly Named[], warn: (message: string) => void): void {
  const owners = new Map<string, Named>();
  for (const part of parts) {
    for (const [tag, digest] of Object.entries(part.tags)) {
      const owner = owners.get(tag);
      owners.set(tag, part);
      if (owner !== undefined && owner.tags[tag] !== digest)
        warn(`${name}:${tag} is ${part.name}:${tag}; ${owner.name}:${tag} would be called the same and has no tag`);
    }
  }
}
