import path from 'node:path';
import type { Site } from '../../config/index.ts';

/** Where everything of a site lies on the bastion. */
export interface SitePaths {
  /** The registry's storage: `docker/registry/v2` lies directly in it. */
  readonly storage: string;
  readonly certificates: string;
  readonly authentication: string;
  readonly htpasswd: string;
  /** The password that Airlock made, where the site names no file of its own. */
  readonly password: string;
  readonly registryConfiguration: string;
  readonly web: string;
  readonly state: string;
  /** Client tools and the registry image, out of the bundle. */
  readonly tools: string;
  readonly files: string;
  readonly zones: string;
  readonly lastCheck: string;
  /** There while the registry takes no writes from clients. */
  readonly readOnlyMark: string;
}

export function sitePaths(site: Site): SitePaths {
  const { registry, web, state } = site.paths;
  return {
    storage: path.join(registry, 'data'),
    certificates: path.join(registry, 'certs'),
    authentication: path.join(registry, 'auth'),
    htpasswd: path.join(registry, 'auth', 'htpasswd'),
    password: site.registry.passwordFile ?? path.join(state, 'registry-password'),
    registryConfiguration: path.join(registry, 'conf'),
    web,
    state,
    tools: path.join(state, 'tools'),
    files: path.join(state, 'files'),
    zones: path.join(state, 'dns'),
    lastCheck: path.join(state, 'check.json'),
    readOnlyMark: path.join(state, 'registry-read-only'),
  };
}
