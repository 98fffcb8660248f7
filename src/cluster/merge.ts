import { fieldAt } from './fields.ts';
import type { ClusterObject } from './types.ts';

const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/**
 * Our object with what the cluster has and we must not lose: entries of a pull secret, certificates of a CA bundle, and the type of a Secret
 * that is there, which cannot change.
 */
export function mergeWithLive(object: ClusterObject, live: ClusterObject | undefined): ClusterObject {
  if (!live) return object;
  if (object.kind === 'Secret') return mergeSecret(object, live);
  return object.kind === 'ConfigMap' ? mergeConfigMap(object, live) : object;
}

/** Our object with the type of the Secret that is there; other kinds as they are. */
export function keepSecretType(object: ClusterObject, live: ClusterObject | undefined): ClusterObject {
  return object.kind === 'Secret' && live && live['type'] !== undefined ? { ...object, type: live['type'] } : object;
}

function mergeSecret(object: ClusterObject, live: ClusterObject): ClusterObject {
  const key = '.dockerconfigjson';
  const [ours, theirs] = [object, live].map((one) => decode(fieldAt(one, 'data')));
  if (ours?.[key] === undefined || theirs?.[key] === undefined) return keepSecretType(object, live);
  const auths = { ...authsOf(theirs[key]), ...authsOf(ours[key]) };
  const sorted = Object.fromEntries(Object.entries(auths).sort(([a], [b]) => (a < b ? -1 : 1)));
  const before = Object.fromEntries(Object.entries(authsOf(theirs[key])).sort(([a], [b]) => (a < b ? -1 : 1)));
  // What says the same stays byte for byte: a second run changes nothing, whatever the order of its keys.
  const text = JSON.stringify(sorted) === JSON.stringify(before) ? theirs[key] : JSON.stringify({ auths: sorted });
  return {
    ...keepSecretType(object, live),
    data: { ...(object['data'] as Record<string, string>), [key]: Buffer.from(text).toString('base64') },
  };
}

function mergeConfigMap(object: ClusterObject, live: ClusterObject): ClusterObject {
  const theirs = (fieldAt(live, 'data') ?? {}) as Readonly<Record<string, string>>;
  const data = Object.entries((object['data'] ?? {}) as Readonly<Record<string, string>>).map(([key, text]) => {
    const there = theirs[key];
    if (there === undefined || !text.includes('-----BEGIN CERTIFICATE-----')) return [key, text];
    const known = new Set((there.match(pemBlock) ?? []).map(bare));
    const added = (text.match(pemBlock) ?? []).filter((block) => !known.has(bare(block)));
    if (added.length === 0) return [key, there];
    return [key, `${[...(there.match(pemBlock) ?? []), ...added].map((block) => block.trim()).join('\n')}\n`];
  });
  return { ...object, data: Object.fromEntries(data) };
}

function bare(block: string): string {
  return block.replace(/\s/g, '');
}

function decode(data: unknown): Readonly<Record<string, string>> {
  if (typeof data !== 'object' || data === null) return {};
  return Object.fromEntries(
    Object.entries(data).map(([key, text]) => [key, Buffer.from(String(text), 'base64').toString('utf8')]),
  );
}

function authsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const auths: unknown = fieldAt(JSON.parse(text), 'auths');
    return typeof auths === 'object' && auths !== null ? (auths as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
