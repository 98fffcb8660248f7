/** A docker config JSON with only what clusters read. */
export interface DockerConfig {
  readonly auths: Readonly<Record<string, { readonly auth: string; readonly email?: string }>>;
}

/** The one entry of a registry. */
export function registryAuth(registry: string, username: string, password: string): DockerConfig {
  return { auths: { [registry]: { auth: Buffer.from(`${username}:${password}`).toString('base64') } } };
}

/**
 * The union of docker configs; a later one wins per registry. Keys become plain `host[:port][/path]`, so that one registry has one entry;
 * credential helpers, which no cluster can run, are left out, as are entries whose `auth` nothing can read.
 * @see containers-auth.json(5)
 */
export function mergeDockerConfigs(...configs: readonly unknown[]): DockerConfig {
  const auths: Record<string, { auth: string; email?: string }> = {};
  for (const config of configs)
    for (const [key, entry] of Object.entries(toRecord(toRecord(config)['auths']))) {
      const { auth, email } = toRecord(entry);
      if (typeof auth !== 'string' || auth === '') continue;
      auths[normaliseKey(key)] = { auth, ...(typeof email === 'string' && email ? { email } : {}) };
    }
  return { auths: Object.fromEntries(Object.entries(auths).sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** Without scheme, API path and final slash: forms that older tools wrote, and that lose against a plain key or match nothing. */
function normaliseKey(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/+(v[12]\/?)?$/, '');
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
