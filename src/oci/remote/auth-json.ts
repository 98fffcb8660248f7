import { AirlockError } from '../../core/errors.ts';
import { type Credential, canonicalRegistry } from './credentials.ts';

/** A file of credentials in the format of containers-auth.json(5), Docker's config.json or the older .dockercfg. */
export interface AuthJson {
  /** Entries by normalised key: `host[:port][/path]`. */
  readonly entries: ReadonlyMap<string, AuthEntry>;
  /** Helper names by registry. */
  readonly helpers: ReadonlyMap<string, string>;
  /** Docker's helper for all registries. */
  readonly store: string | undefined;
}

/** One entry: decoded only when it is asked for, so that a broken one does no harm to the others. */
export interface AuthEntry {
  readonly key: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** @throws AirlockError AUTHFILE_INVALID */
export function parseAuthJson(text: string, origin: string): AuthJson {
  let root: unknown;
  try {
    // `podman login` may leave an empty file behind.
    root = text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    root = undefined;
  }
  if (!isRecord(root)) throw new AirlockError('AUTHFILE_INVALID', `${origin} is not a JSON object with "auths"`);
  const legacy = !('auths' in root) && !('credHelpers' in root) && !('credsStore' in root);
  const auths = legacy ? root : root['auths'];
  const entries = new Map<string, AuthEntry>();
  for (const [key, fields] of Object.entries(isRecord(auths) ? auths : {})) {
    // An exact key wins over one that has to be trimmed to match.
    const normal = normaliseKey(key, legacy);
    if (isRecord(fields) && (!entries.has(normal) || normal === key)) entries.set(normal, { key, fields });
  }
  const helpers = new Map<string, string>();
  for (const [key, name] of Object.entries(isRecord(root['credHelpers']) ? root['credHelpers'] : {}))
    if (typeof name === 'string' && name) helpers.set(normaliseKey(key, false), name);
  const store = root['credsStore'];
  return { entries, helpers, store: typeof store === 'string' && store ? store : undefined };
}

/** The entry for a repository: the longest key that is the registry, or the registry and a whole part of the path. */
export function findAuthEntry(file: AuthJson, registry: string, repository: string): AuthEntry | undefined {
  const parts = repository.split('/').filter(Boolean);
  const host = canonicalRegistry(registry);
  for (let count = parts.length; count >= 0; count -= 1) {
    const entry = file.entries.get([host, ...parts.slice(0, count)].join('/'));
    if (entry) return entry;
  }
  return undefined;
}

/** The credential of an entry; undefined for an empty one (`{}`), as Docker leaves beside a credential store. @throws AirlockError AUTHFILE_INVALID */
export function decodeAuthEntry(entry: AuthEntry, origin: string): Credential | undefined {
  const { auth, username, password, identitytoken, registrytoken } = entry.fields;
  if (isText(registrytoken)) return { kind: 'bearer', token: registrytoken };
  if (isText(identitytoken)) return { kind: 'identity', token: identitytoken };
  if (isText(username) && typeof password === 'string') return { kind: 'password', username, password };
  if (!isText(auth)) return undefined;
  const decoded = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = decoded.indexOf(':');
  if (colon <= 0) {
    throw new AirlockError('AUTHFILE_INVALID', `"auth" of ${entry.key} in ${origin} is not base64 of user:password`, {
      hint: 'log in again, or copy the pull secret again',
    });
  }
  return { kind: 'password', username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

// Keys written by old Docker versions are URLs: "https://index.docker.io/v1/". Only those lose their path.
function normaliseKey(key: string, legacy: boolean): string {
  const stripped = key.replace(/^https?:\/\//, '');
  const [host = '', ...path] = stripped.split('/');
  const registry = canonicalRegistry(host);
  return legacy || stripped !== key ? registry : [registry, ...path.filter(Boolean)].join('/');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
