import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkServerIdentity } from 'node:tls';
import { AirlockError, errorText } from '../core/errors.ts';
import { hostPort } from '../core/ip.ts';
import { cancellation, type Run } from '../core/run.ts';

/** How to ask a registry whether it is there. */
export interface RegistryProbe {
  /** The address to connect to, a name or an IP address. */
  readonly host: string;
  readonly port: number;
  /** Left out: plain HTTP. */
  readonly tls?: {
    /** CA certificates, PEM. */
    readonly ca: string;
    /** The name that the certificate has to hold; default `host`. */
    readonly serverName?: string;
  };
  readonly username?: string;
  readonly password?: string;
  /** Default 5,000. */
  readonly timeoutMs?: number;
}

/** `healthy`: `/v2/` answers 200, or 401 when no credentials were given. `problem` says what it did instead. */
export interface RegistryHealth {
  readonly healthy: boolean;
  readonly status: number | undefined;
  readonly problem: string | undefined;
}

/** Asks `/v2/` once; never throws for what the registry does. */
export async function probeRegistry(probe: RegistryProbe, run: Run): Promise<RegistryHealth> {
  try {
    const status = await ping(probe, run);
    const healthy = status === 200 || (status === 401 && probe.username === undefined);
    return { healthy, status, problem: healthy ? undefined : `/v2/ answers ${status}` };
  } catch (error) {
    if (run.signal.aborted) throw cancellation(run.signal);
    return { healthy: false, status: undefined, problem: errorText(error) };
  }
}

/**
 * Probes until the registry is healthy.
 * @throws AirlockError REGISTRY_UNHEALTHY with the last problem after `timeoutMs`
 */
export async function awaitHealthy(probe: RegistryProbe, timeoutMs: number, run: Run): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, 1000)) {
    const health = await probeRegistry(probe, run);
    if (health.healthy) return;
    if (performance.now() + waitMs > deadline) {
      const where = hostPort(probe.host, probe.port);
      throw new AirlockError('REGISTRY_UNHEALTHY', `the registry at ${where} is not well: ${health.problem}`, {
        hint: 'look at its log with "airlock registry logs"',
      });
    }
    await sleep(waitMs, undefined, { signal: run.signal });
  }
}

function ping(probe: RegistryProbe, run: Run): Promise<number> {
  const { tls, username, password } = probe;
  const options: https.RequestOptions = {
    host: probe.host,
    port: probe.port,
    path: '/v2/',
    agent: false,
    timeout: probe.timeoutMs ?? 5000,
    signal: run.signal,
    ...(username === undefined ? {} : { auth: `${username}:${password ?? ''}` }),
    ...(tls ? { ca: tls.ca, ...identity(tls.serverName ?? probe.host) } : {}),
  };
  return new Promise((resolve, reject) => {
    const request = (tls ? https : http).get(options, (response) => {
      response.resume();
      response.once('close', () => resolve(response.statusCode ?? 0));
    });
    request.once('timeout', () => request.destroy(new Error('no answer in time')));
    request.once('error', reject);
  });
}

/** SNI takes no addresses: then the certificate is checked against the address connected to. */
function identity(name: string): https.RequestOptions {
  return {
    ...(/^[\d.]+$|:/.test(name) ? {} : { servername: name }),
    // Node falls back to the CN where there is no SAN; every component of a cluster refuses such a certificate, so it is no health.
    checkServerIdentity: (host, certificate) =>
      certificate.subjectaltname
        ? checkServerIdentity(host, certificate)
        : new Error(`the certificate for ${host} has no subjectAltName`),
  };
}
