import { strippedVariables, variables } from './dialect.ts';

/** What of our own settings the binary takes by variable. */
export interface EnvironmentSettings {
  readonly registriesConfFile?: string | undefined;
  readonly releaseKeyFile?: string | undefined;
  readonly signatureUrl?: string | undefined;
  readonly updateUrl?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment that the binary gets: the user's own (proxies, HOME, XDG folders) without what would break it, and our settings. */
export function childEnvironment(env: Environment, settings: EnvironmentSettings): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && !strippedVariables.test(name)) result[name] = value;
  for (const key of ['registriesConf', 'releaseKey', 'signatureUrl', 'updateUrl'] as const) {
    const value = key === 'registriesConf' || key === 'releaseKey' ? settings[`${key}File`] : settings[key];
    // It puts the digest right behind the URL.
    if (value !== undefined) result[variables[key]] = key === 'signatureUrl' ? value.replace(/\/?$/, '/') : value;
  }
  return result;
}

/** The credentials file for `--authfile`: the one that was named, else what `REGISTRY_AUTH_FILE` says, which the binary must not see. */
export function findAuthFile(authFile: string | undefined, env: Environment): string | undefined {
  return authFile ?? (env['REGISTRY_AUTH_FILE'] || undefined);
}
