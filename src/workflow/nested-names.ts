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

/** Where the target limits nested paths names are joined, prefix included, and two may become one; else they stay. */
export function placeRepositories<T extends Named>(
  repositories: readonly T[],
  target: MirrorTarget,
): PlacedRepositories<T> {
  if (!target.maxNestedPaths) return { repositories, prefix: target.prefix, originals: (name) => [name] };
  const placed = new Map<string, T[]>();
  for (const one of repositories) {
    const name = targetRepository(one.name, target);
    placed.set(name, [...(placed.get(name) ?? []), one]);
  }
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
