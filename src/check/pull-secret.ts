import { AirlockError } from '../core/errors.ts';

/**
 * The `user:password` that containers tools find for a registry in a docker config: the entry `host[:port]`; undefined when there is none or
 * its value is unusable (not padded base64 of `user:password`).
 * @throws AirlockError PULL_SECRET_INVALID
 * @see containers-auth.json(5)
 */
export function findCredentials(pullSecret: string, registry: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(pullSecret);
  } catch (error) {
    throw new AirlockError('PULL_SECRET_INVALID', 'the pull secret is not JSON', { cause: error });
  }
  const auths = toRecord(toRecord(value)['auths']);
  const auth = toRecord(auths[registry])['auth'];
  // Unpadded base64 is an error to Go's decoder, which reads it in the cluster; Node's would take it.
  if (typeof auth !== 'string' || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(auth))
    return undefined;
  const text = Buffer.from(auth, 'base64').toString('utf8');
  return text.includes(':') && !text.endsWith('\n') ? text : undefined;
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
