import { errorText, isAirlockError } from '../../core/errors.ts';
import type { Finding } from '../../core/findings.ts';
import { hostPort } from '../../core/ip.ts';
import type { Run } from '../../core/run.ts';
import { finding } from '../finding.ts';
import type { CheckClients, CheckInput } from '../input.ts';
import { findCredentials } from '../pull-secret.ts';
import type { CheckPart } from '../report.ts';

/** Whether the registry wants credentials and takes those of the pull secret, by basic or token authentication. */
export async function checkLogin(input: CheckInput, clients: CheckClients, run: Run): Promise<CheckPart> {
  return { findings: await login(input, clients, run), counts: {} };
}

async function login(input: CheckInput, clients: CheckClients, run: Run): Promise<Finding[]> {
  const { host, port, tls } = input.registry;
  const registry = port === 443 ? host : hostPort(host, port);
  const base = `${tls ? 'https' : 'http'}://${hostPort(host, port)}/v2/`;
  try {
    const open = await ask(base, undefined, clients, run);
    if (open.status === 200)
      return [
        finding(
          'CHECK_LOGIN_OPEN',
          registry,
          `${registry} answers without credentials`,
          'fine for a trial; otherwise switch on htpasswd',
          'info',
        ),
      ];
    const credentials = findCredentials(input.pullSecret, registry);
    if (credentials === undefined)
      return [
        finding(
          'CHECK_CREDENTIALS_MISSING',
          registry,
          `the pull secret has no usable entry "${registry}"`,
          'emit again; keys are host:port without scheme or slash, values padded base64 of user:password',
        ),
      ];
    const basic = `Basic ${Buffer.from(credentials).toString('base64')}`;
    const authorization = (await findToken(open.challenge, basic, clients, run)) ?? basic;
    const { status } = await ask(base, authorization, clients, run);
    if (status === 200) return [];
    return [
      finding(
        'CHECK_LOGIN_REFUSED',
        registry,
        `${registry} answers ${status} to the credentials of the pull secret`,
        'emit and apply again after a change of the password',
      ),
    ];
  } catch (error) {
    if (isAirlockError(error, 'CANCELLED')) throw error;
    return [
      finding('CHECK_REGISTRY_FAILED', registry, `${base} failed: ${errorText(error)}`, 'look at the registry’s log'),
    ];
  }
}

async function ask(
  url: string,
  authorization: string | undefined,
  clients: CheckClients,
  run: Run,
): Promise<{ status: number; challenge: string }> {
  const answer = await clients.request({ method: 'GET', url, headers: authorization ? { authorization } : {} }, run);
  answer.body.destroy();
  return { status: answer.status, challenge: String(answer.headers['www-authenticate'] ?? '') };
}

/** A bearer token by the registry's challenge; undefined when it asks for basic authentication. */
async function findToken(
  challenge: string,
  basic: string,
  clients: CheckClients,
  run: Run,
): Promise<string | undefined> {
  if (!/^bearer /i.test(challenge)) return undefined;
  const field = (name: string): string | undefined => new RegExp(`${name}="([^"]*)"`, 'i').exec(challenge)?.[1];
  const realm = field('realm');
  if (realm === undefined) return undefined;
  const url = new URL(realm);
  const service = field('service');
  if (service !== undefined) url.searchParams.set('service', service);
  const answer = await clients.request({ method: 'GET', url: url.href, headers: { authorization: basic } }, run);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    if (bytes > 1 << 20) break;
    chunks.push(chunk);
  }
  const token: unknown = answer.status === 200 ? JSON.parse(Buffer.concat(chunks).toString('utf8')) : undefined;
  if (typeof token !== 'object' || token === null) return undefined;
  const text = 'token' in token ? token.token : 'access_token' in token ? token.access_token : undefined;
  return typeof text === 'string' ? `Bearer ${text}` : undefined;
}
