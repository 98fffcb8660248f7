import { AirlockError } from '../../core/errors.ts';
import type { HttpClient, HttpResponse } from '../../core/http.ts';
import { readBody } from '../../core/http-body.ts';
import { redactUrl } from '../../core/http-errors.ts';
import type { HostTls } from '../../core/http-trust.ts';
import type { Run } from '../../core/run.ts';
import type { Challenge } from './challenge.ts';
import type { Credential } from './credentials.ts';
import { registryError } from './registry-error.ts';

/** A Bearer token. */
export interface Token {
  readonly token: string;
  readonly expiresAt: Date;
}

/** What a token is asked for, and with what. */
export interface TokenRequest {
  readonly http: HttpClient;
  readonly registryUrl: URL;
  readonly challenge: Challenge;
  readonly scopes: readonly string[];
  readonly credential: Credential | undefined;
  /** Where the credential is from, for messages. */
  readonly credentialOrigin: string | undefined;
  readonly tls: HostTls | undefined;
  readonly insecure: boolean;
  readonly side: 'source' | 'target' | undefined;
}

const tokenLimitBytes = 64 << 10;
// Servers that name no lifetime mean this one. @see distribution, "Token Authentication Specification"
const defaultLifetimeSeconds = 60;

/**
 * Asks the realm of a Bearer challenge for a token: by GET with Basic (or anonymous), or by OAuth2 POST with an identity token.
 * @throws AirlockError REGISTRY_UNAUTHORIZED, REGISTRY_FAILED, HTTP_*
 */
export async function requestToken(request: TokenRequest, run: Run): Promise<Token> {
  const realm = findRealm(request);
  const service = request.challenge.params['service'];
  const asked = run.now();
  const response =
    request.credential?.kind === 'identity'
      ? await postToken(request, realm, service, request.credential.token, run)
      : await getToken(request, realm, service, run);
  if (response.status !== 200) {
    throw await registryError(
      response,
      {
        method: request.credential?.kind === 'identity' ? 'POST' : 'GET',
        wanted: 'other',
        subject: `token for ${request.registryUrl.host}`,
        side: request.side,
        credentials: request.credentialOrigin,
      },
      run.now(),
    );
  }
  return parseToken(await readBody(response, tokenLimitBytes), realm, asked);
}

function getToken(request: TokenRequest, realm: URL, service: string | undefined, run: Run): Promise<HttpResponse> {
  const url = new URL(realm);
  if (service) url.searchParams.append('service', service);
  for (const scope of request.scopes) url.searchParams.append('scope', scope);
  const { credential } = request;
  if (credential?.kind === 'password') url.searchParams.append('account', credential.username);
  return request.http.request(
    {
      method: 'GET',
      url,
      headers: credential?.kind === 'password' ? { authorization: basicHeader(credential) } : {},
      ...(request.tls && sameHost(url, request.registryUrl) ? { tls: request.tls } : {}),
    },
    run,
  );
}

function postToken(
  request: TokenRequest,
  realm: URL,
  service: string | undefined,
  token: string,
  run: Run,
): Promise<HttpResponse> {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'airlock',
    refresh_token: token,
    scope: request.scopes.join(' '),
    ...(service ? { service } : {}),
  });
  return request.http.request(
    {
      method: 'POST',
      url: realm,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      ...(request.tls && sameHost(realm, request.registryUrl) ? { tls: request.tls } : {}),
    },
    run,
  );
}

/** The Authorization header of a user and password. */
export function basicHeader(credential: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`;
}

function findRealm(request: TokenRequest): URL {
  const text = request.challenge.params['realm'] ?? '';
  const fail = (why: string): never => {
    throw new AirlockError('REGISTRY_FAILED', `${request.registryUrl.host} asks for a token ${why}`, {
      ...(request.side ? { side: request.side } : {}),
    });
  };
  let realm: URL;
  try {
    realm = new URL(text, request.registryUrl);
  } catch {
    return fail(`from "${text.slice(0, 200)}", which is no URL`);
  }
  if (realm.protocol !== 'https:' && realm.protocol !== 'http:') fail(`from ${realm.protocol}`);
  // A password must not cross the net in the clear because a server says so.
  if (realm.protocol === 'http:' && request.registryUrl.protocol === 'https:' && !request.insecure)
    fail(`over plain HTTP from ${redactUrl(realm)}`);
  return realm;
}

function sameHost(a: URL, b: URL): boolean {
  return a.host === b.host;
}

function parseToken(bytes: Buffer, realm: URL, asked: Date): Token {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    json = undefined;
  }
  const fields = json !== null && typeof json === 'object' ? (json as Record<string, unknown>) : {};
  const token = fields['token'] || fields['access_token'];
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new AirlockError('REGISTRY_FAILED', `${redactUrl(realm)} answers without a token`);
  const lifetime = typeof fields['expires_in'] === 'number' ? fields['expires_in'] : defaultLifetimeSeconds;
  // Counted from when we asked: the server's clock (issued_at) may differ from ours.
  return { token, expiresAt: new Date(asked.getTime() + Math.max(10, lifetime) * 1000) };
}
