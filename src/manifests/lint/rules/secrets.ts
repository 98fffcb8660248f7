import { type AddFault, isPlaceholder, type LintedObject, recordAt, textAt, valueAt } from '../faults.ts';

/** Secrets: pull secrets and etcd encryption keys. Values never stand in a message. */
export function lintSecret({ value, name }: LintedObject, add: AddFault): void {
  const encoded = valueAt(value, 'data', '.dockerconfigjson');
  const plain = valueAt(value, 'stringData', '.dockerconfigjson');
  if (typeof encoded === 'string' && !isPlaceholder(encoded))
    lintPullSecret(Buffer.from(encoded, 'base64').toString(), ['data', '.dockerconfigjson'], add);
  if (typeof plain === 'string' && !isPlaceholder(plain))
    lintPullSecret(plain, ['stringData', '.dockerconfigjson'], add);
  const key = valueAt(value, 'data', 'key');
  if (/etcd-encryption-key$/.test(name) && typeof key === 'string' && !isPlaceholder(key)) {
    const bytes = Buffer.from(key, 'base64').length;
    if (bytes !== 32)
      add(
        'LINT_ETCD_KEY',
        ['data', 'key'],
        `the key has ${bytes} bytes`,
        bytes === 44 ? 'it is encoded twice: encode 32 random bytes once' : 'use 32 random bytes, base64 once',
      );
  }
}

/** The docker config that a Secret holds; undefined where it holds none, or one that is left to fill in or cannot be read. */
export function dockerConfigOf({ value }: LintedObject): unknown {
  const encoded = textAt(value, 'data', '.dockerconfigjson');
  const text =
    textAt(value, 'stringData', '.dockerconfigjson') ?? (encoded && Buffer.from(encoded, 'base64').toString());
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** A docker config as text. */
export function lintPullSecret(text: string, path: readonly string[], add: AddFault): void {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    add('LINT_PULL_SECRET', path, 'the pull secret is not JSON', 'use a docker config with "auths"');
    return;
  }
  const auths = recordAt(config, 'auths');
  if (Object.keys(auths).length === 0)
    add('LINT_PULL_SECRET', path, 'the pull secret has no "auths"', 'add an entry for the mirror', 'warning');
  for (const [registry, entry] of Object.entries(auths)) {
    if (/^https?:\/\/|\/$/.test(registry))
      add(
        'LINT_PULL_SECRET',
        path,
        `the entry "${registry}" is not host[:port]`,
        'write it without scheme and slash',
        'warning',
      );
    const auth = valueAt(entry, 'auth');
    if (typeof auth !== 'string')
      add('LINT_PULL_SECRET', path, `the entry "${registry}" has no auth`, 'user and password are read from auth only');
    else if (!isPlaceholder(auth) && !isBasic(auth))
      add(
        'LINT_PULL_SECRET',
        path,
        `the auth of "${registry}" is not padded base64 of user:password`,
        'encode it again, without a newline',
      );
  }
}

function isBasic(auth: string): boolean {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(auth)) return false;
  const text = Buffer.from(auth, 'base64').toString();
  return text.includes(':') && !text.endsWith('\n');
}
