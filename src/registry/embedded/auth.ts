import type { CredentialChecker } from '../htpasswd.ts';
import type { Exchange } from './respond.ts';
import { Refusal } from './respond.ts';

/** Who may do what: everything for the users of the htpasswd file; with `anonymousPull`, reading for everybody. */
export interface AccessRules {
  /** Changed by `replaceUsers` while the server runs. */
  checker: CredentialChecker;
  readonly anonymousPull: boolean;
}

/**
 * The user who asks, undefined for an anonymous one.
 * @throws Refusal UNAUTHORIZED with the challenge of RFC 7617
 */
export async function authorize(rules: AccessRules, exchange: Exchange): Promise<string | undefined> {
  const credentials = parseBasic(exchange.request.headers.authorization);
  if (credentials) {
    if (await rules.checker.check(credentials.username, credentials.password)) return credentials.username;
    throw unauthorized('wrong user or password');
  }
  const reads = exchange.method === 'GET' || exchange.method === 'HEAD';
  // The ping is challenged all the same: clients learn from it how to log in for a push, and go on without credentials otherwise.
  if (rules.anonymousPull && reads && exchange.path !== '/v2/' && exchange.path !== '/v2') return undefined;
  throw unauthorized('log in first');
}

/** Basic credentials; empty ones (containers/image sends them where it has none) count as none. */
function parseBasic(header: string | undefined): { username: string; password: string } | undefined {
  const match = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(header ?? '');
  if (!match) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const [username, password] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  return username === '' && password === '' ? undefined : { username, password };
}

function unauthorized(message: string): Refusal {
  return new Refusal('UNAUTHORIZED', message, { headers: { 'www-authenticate': 'Basic realm="Registry"' } });
}
