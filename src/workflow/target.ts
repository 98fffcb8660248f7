import path from 'node:path';
import type { Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { type MirrorTarget, targetRepository } from '../manifests/index.ts';
import { isRegistry, isRepository } from '../oci/index.ts';
import { siteTarget } from './site/endpoints.ts';
import { sitePaths } from './site/paths.ts';

/** Where `load` puts images. */
export type LoadTarget =
  | { readonly kind: 'storage'; readonly folder: string }
  | ({ readonly kind: 'registry' } & MirrorTarget);

/**
 * Reads `storage:DIR` or `docker://HOST[:PORT][/PREFIX]`. Relative folders start at `cwd`.
 * @throws AirlockError TARGET_INVALID
 */
export function parseLoadTarget(text: string, cwd: string): LoadTarget {
  const storage = /^storage:(.+)$/.exec(text)?.[1];
  if (storage !== undefined) return { kind: 'storage', folder: path.resolve(cwd, storage) };
  const registry = /^docker:\/\/(.+)$/.exec(text)?.[1];
  if (registry !== undefined) return { kind: 'registry', ...parseMirrorTarget(registry) };
  throw new AirlockError('TARGET_INVALID', `"${text}" is not a target`, { hint: targetHint(text) });
}

/** What was likely meant: a folder, or a registry without its scheme. */
function targetHint(text: string): string {
  if (/^(?:\.{0,2}\/|\.{1,2}$)/.test(text)) return `for registry storage in that folder write storage:${text}`;
  const [host = ''] = text.split('/');
  const isHost = /[.:]/.test(host) && isRegistry(host);
  return isHost ? `for that registry write docker://${text}` : 'write storage:DIR or docker://HOST[:PORT][/PREFIX]';
}

/** Reads `HOST[:PORT][/PREFIX]`; a final slash is let pass. @throws AirlockError TARGET_INVALID */
export function parseMirrorTarget(text: string): MirrorTarget {
  const [registry = '', ...rest] = text.replace(/\/+$/, '').split('/');
  const prefix = rest.join('/');
  if (!isRegistry(registry) || (prefix !== '' && !isRepository(prefix))) {
    throw new AirlockError('TARGET_INVALID', `"${text}" is not HOST[:PORT][/PREFIX]`, {
      hint: 'for example registry.lab.example.com:5000/mirror',
    });
  }
  return { registry, prefix };
}

/** The same registry where it takes only so many path elements; 0: no limit. @throws AirlockError NESTED_PATHS_INVALID */
export function withNestedPaths<T extends MirrorTarget>(target: T, maxNestedPaths: number): T {
  const limited = { ...target, maxNestedPaths };
  // A limit that leaves no room for any name is told before anything is planned or read.
  targetRepository('any', limited);
  return limited;
}

/** Where a site's bundles go when no target is named. */
export function siteLoadTarget(site: Site): LoadTarget {
  return site.registry.mode === 'external'
    ? { kind: 'registry', ...siteTarget(site) }
    : { kind: 'storage', folder: sitePaths(site).storage };
}

/** The target as load records and results name it. */
export function formatTarget(target: LoadTarget): string {
  return target.kind === 'storage'
    ? target.folder
    : `docker://${[target.registry, target.prefix].filter(Boolean).join('/')}`;
}
