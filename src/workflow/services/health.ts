import http from 'node:http';
import https from 'node:https';
import { errorText } from '../../core/errors.ts';
import { hostPort } from '../../core/ip.ts';
import { cancellation, type Run } from '../../core/run.ts';
import { lookup } from '../../dns/index.ts';
import { probeRegistry } from '../../registry/index.ts';

/** One address of one service, asked in the service's own words. */
export interface ServiceHealth {
  readonly service: 'registry' | 'web' | 'dns';
  /** `https`, `http`, `dns`. */
  readonly scheme: string;
  readonly address: string;
  readonly healthy: boolean;
  /** Why it is not; undefined when it is. */
  readonly problem: string | undefined;
}

/** What to ask: `host` is the name that the certificate has to hold. */
export interface HealthQuestions {
  readonly registry: {
    readonly caPem: string;
    readonly host: string;
    readonly addresses: readonly string[];
    readonly port: number;
  };
  readonly web: {
    readonly caPem: string;
    readonly host: string;
    readonly addresses: readonly string[];
    readonly httpPort: number;
    readonly httpsPort: number;
  };
  /** Left out: somebody else serves the zones. */
  readonly dns?: { readonly zone: string; readonly addresses: readonly string[]; readonly port: number };
}

const timeoutMs = 3000;

/** Asks every address of every service once, all at the same time; never throws for what they do. */
export async function probeServices(questions: HealthQuestions, run: Run): Promise<ServiceHealth[]> {
  const { registry, web, dns } = questions;
  const at = (
    service: ServiceHealth['service'],
    scheme: string,
    addresses: readonly string[],
    port: number,
    ask: (address: string) => Promise<string | undefined>,
  ): Promise<ServiceHealth>[] =>
    addresses.map(async (address) => {
      const problem = await ask(address);
      return { service, scheme, address: hostPort(address, port), healthy: problem === undefined, problem };
    });
  return Promise.all([
    ...at('registry', 'https', registry.addresses, registry.port, (host) => registryProblem(host, registry, run)),
    ...at('web', 'http', web.addresses, web.httpPort, (address) => webProblem(address, web, false, run)),
    ...at('web', 'https', web.addresses, web.httpsPort, (address) => webProblem(address, web, true, run)),
    ...(dns
      ? at('dns', 'dns', dns.addresses, dns.port, (address) => dnsProblem(address, dns.port, dns.zone, run))
      : []),
  ]);
}

async function registryProblem(
  address: string,
  registry: HealthQuestions['registry'],
  run: Run,
): Promise<string | undefined> {
  const tls = { ca: registry.caPem, serverName: registry.host };
  return (await probeRegistry({ host: address, port: registry.port, tls, timeoutMs }, run)).problem;
}

/** The CA file and not the first page: that one asks this very question. */
function webProblem(
  address: string,
  web: HealthQuestions['web'],
  secure: boolean,
  run: Run,
): Promise<string | undefined> {
  const port = secure ? web.httpsPort : web.httpPort;
  const options: https.RequestOptions = {
    ...{ host: address, port, method: 'HEAD', path: '/ca.crt', agent: false, timeout: timeoutMs, signal: run.signal },
    ...(secure ? { ca: web.caPem, servername: web.host } : {}),
    headers: { host: hostPort(web.host, port) },
  };
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request(options, (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      resolve(statusCode === 200 ? undefined : `HEAD /ca.crt answers ${statusCode}`);
    });
    request.once('timeout', () => request.destroy(new Error('no answer in time')));
    request.once('error', (error) =>
      run.signal.aborted ? reject(cancellation(run.signal)) : resolve(errorText(error)),
    );
    request.end();
  });
}

async function dnsProblem(address: string, port: number, zone: string, run: Run): Promise<string | undefined> {
  try {
    const answer = await lookup({ server: { address, port }, name: zone, type: 'SOA', timeoutMs }, run);
    if (answer.rcode !== 'NOERROR') return `SOA of ${zone}: ${answer.rcode}`;
    return answer.answers.length > 0 ? undefined : `has no zone ${zone}`;
  } catch (error) {
    if (run.signal.aborted) throw cancellation(run.signal);
    return errorText(error);
  }
}
