import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { AirlockError } from '../core/errors.ts';
import { findIpFamily } from '../core/ip.ts';
import { cancellation, type Run } from '../core/run.ts';
import type { CheckClients } from './input.ts';

/** What a request trusts and asks. */
export interface HttpRequestOptions {
  readonly lookup: CheckClients['lookup'];
  readonly caPem: string;
  /** Without a byte for so long, a request fails; default 30 seconds. */
  readonly idleTimeoutMs?: number;
}

/**
 * The `request` of `CheckClients` over Node's own HTTP, because its `lookup` option lets every connection ask the site's DNS server and not
 * the bastion's resolver.
 */
export function createCheckRequest(options: HttpRequestOptions): CheckClients['request'] {
  return (request, run) =>
    new Promise((resolve, reject) => {
      if (run.signal.aborted) return reject(cancellation(run.signal));
      const secure = request.url.startsWith('https:');
      const sent = (secure ? https : http).request(request.url, {
        method: request.method,
        headers: { ...request.headers },
        signal: run.signal,
        lookup: siteLookup(options.lookup, run),
        ...(secure ? { ca: options.caPem } : {}),
        agent: false,
      });
      const idle = options.idleTimeoutMs ?? 30_000;
      sent.setTimeout(idle, () => sent.destroy(new Error(`no byte within ${idle / 1000} s`)));
      sent.on('error', (error) => reject(run.signal.aborted ? cancellation(run.signal) : error));
      sent.on('response', (response) => {
        const length = response.headers['content-length'];
        // A destroyed body may emit an error that nobody waits for any more; one who reads gets it from the iterator.
        response.on('error', () => {});
        resolve({
          status: response.statusCode ?? 0,
          sizeBytes: length === undefined ? undefined : Number(length),
          headers: response.headers,
          body: response,
        });
      });
      sent.end();
    });
}

/** Node's `lookup` option over the site's DNS, for every client that connects by name. */
export function siteLookup(lookup: CheckClients['lookup'], run: Run): LookupFunction {
  return (host, options, callback) => {
    const families = options.family === 4 || options.family === 6 ? [options.family] : ([4, 6] as const);
    const family = findIpFamily(host);
    const asked = family
      ? Promise.resolve([{ address: host, family }])
      : Promise.all(
          families.map(async (one) =>
            (await lookup(host, one === 4 ? 4 : 6, run)).map((address) => ({ address, family: one })),
          ),
        ).then((found) => found.flat());
    asked.then(
      (addresses) => {
        const [first] = addresses;
        if (!first) return callback(new AirlockError('NAME_UNKNOWN', `${host} has no address`), '');
        if (options.all) return callback(null, addresses);
        callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), ''),
    );
  };
}
