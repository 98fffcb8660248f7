import { AirlockError } from '../core/errors.ts';

/** Where images lie in the site. */
export interface MirrorTarget {
  /** `host[:port]`. */
  readonly registry: string;
  /** Path below the registry under which everything was put; '' for none. */
  readonly prefix: string;
  /** The registry takes at most so many path elements (oc-mirror's `--max-nested-paths`); 0 or left out: no limit. */
  readonly maxNestedPaths?: number;
}

/**
 * The repository at the target, prefix included, for a repository of the image set. Above the limit of nested paths the first N-1 elements
 * stay and the rest is joined with `-`.
 * @throws AirlockError NESTED_PATHS_INVALID for a limit of 1, with which oc-mirror makes references that no registry takes
 * @see oc-mirror v2, `--max-nested-paths`
 */
export function targetRepository(repository: string, target: MirrorTarget): string {
  const elements = [...target.prefix.split('/'), ...repository.split('/')].filter((element) => element !== '');
  const limit = target.maxNestedPaths ?? 0;
  if (limit === 1)
    throw new AirlockError('NESTED_PATHS_INVALID', 'a limit of 1 nested path leaves no room for a namespace', {
      hint: 'use 2 or more, or 0 for no limit',
    });
  if (limit <= 0 || elements.length <= limit) return elements.join('/');
  return [...elements.slice(0, limit - 1), elements.slice(limit - 1).join('-')].join('/');
}

/** `registry/repository` at the target. */
export function targetReference(repository: string, target: MirrorTarget): string {
  return `${target.registry}/${targetRepository(repository, target)}`;
}
