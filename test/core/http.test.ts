import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createHttp, type HttpOptions } from '../../src/core/http.ts';
import { readBody } from '../../src/core/http-body.ts';
import { quietRun } from '../../src/core/run.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { startScriptedRegistry } from '../helpers/scripted-registry.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = quietRun();

function client(options: HttpOptions = {}) {
  const made = createHttp(options);
  onTestFinished(() => made.close());
  return made;
}

async function listen(server: net.Server, host = '127.0.0.1'): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function getText(made: ReturnType<typeof client>, url: string, headers = {}): Promise<string> {
  return (await readBody(await made.request({ method: 'GET', url, headers }, run), 1 << 20)).toString();
}

describe('redirects', () => {
  test('never carry credentials to another origin, not even back again', async () => {
    const foreign = await startScriptedRegistry({
      prank: (request) => ({ kind: 'answer', status: 302, headers: { location: `${own.url}/end` }, body: request.url }),
    });
    const own = await startScriptedRegistry({
      prank: (request) =>
        request.url === '/end'
          ? { kind: 'answer', status: 200, body: 'end' }
          : { kind: 'answer', status: 307, headers: { location: `${foreign.url}/over` } },
    });
    expect(await getText(client(), `${own.url}/start`, { Authorization: 'Bearer secret', Cookie: 'a=b' })).toBe('end');
    expect(own.requests[0]?.headers.authorization).toBe('Bearer secret');
    for (const request of [...foreign.requests, ...own.requests.slice(1)]) {
      expect(request.headers.authorization).toBeUndefined();
      expect(request.headers.cookie).toBeUndefined();
    }
    expect(own.requests).toHaveLength(2);
  });

  test('keep credentials on the same origin', async () => {
    const own = await startScriptedRegistry({
      prank: (request) =>
        request.url === '/end'
          ? { kind: 'answer', status: 200, body: 'end' }
          : { kind: 'answer', status: 308, headers: { location: '/end' } },
    });
    await getText(client(), `${own.url}/start`, { authorization: 'Bearer secret' });
    expect(own.requests.map((request) => request.headers.authorization)).toEqual(['Bearer secret', 'Bearer secret']);
  });

  test('end after ten', async () => {
    const own = await startScriptedRegistry({
      prank: () => ({ kind: 'answer', status: 302, headers: { location: '/again' } }),
    });
    await expect(getText(client(), `${own.url}/`)).rejects.toMatchObject({ code: 'HTTP_REDIRECT' });
    expect(own.requests).toHaveLength(11);
  });

  test('from https to http are refused unless the client is insecure', async () => {
    const plain = await startScriptedRegistry();
    const tls = await startScriptedRegistry({
      tls: await makeCertificate(),
      prank: () => ({ kind: 'answer', status: 302, headers: { location: `${plain.url}/v2/` } }),
    });
    const { cert } = await makeCertificate();
    await expect(getText(client({ caPem: [cert] }), tls.url)).rejects.toMatchObject({ code: 'HTTP_REDIRECT' });
    expect(plain.requests).toHaveLength(0);
    expect(await getText(client({ insecure: true }), tls.url)).toBe('{}');
  });

  test('to other schemes are refused', async () => {
    const own = await startScriptedRegistry({
      prank: () => ({ kind: 'answer', status: 302, headers: { location: 'file:///etc/passwd' } }),
    });
    await expect(getText(client(), own.url)).rejects.toMatchObject({ code: 'HTTP_REDIRECT' });
  });

  test('are given back as they are on request, and always for uploads', async () => {
    const own = await startScriptedRegistry({
      prank: () => ({ kind: 'answer', status: 307, headers: { location: '/x' } }),
    });
    const put = await client().request({ method: 'PUT', url: own.url, body: 'soup' }, run);
    const get = await client().request({ method: 'GET', url: own.url, redirects: 'manual' }, run);
    expect([put.status, get.status]).toEqual([307, 307]);
  });
});

describe('certificates', () => {
  test('are refused when nobody vouches for them', async () => {
    const server = await startScriptedRegistry({ tls: await makeCertificate() });
    await expect(getText(client(), server.url)).rejects.toMatchObject({ code: 'HTTP_CERTIFICATE' });
  });

  test('are accepted from a CA text, a CA file, SSL_CERT_FILE, an insecure host, and per request', async () => {
    const pair = await makeCertificate();
    const server = await startScriptedRegistry({ tls: pair });
    const file = path.join(await temporaryFolder(), 'ca.pem');
    await writeFile(file, pair.cert);
    const ways: HttpOptions[] = [
      { caPem: [pair.cert] },
      { caFiles: [file] },
      { systemCaFile: file },
      { insecureHosts: [server.host] },
      { insecureHosts: ['127.0.0.1'] },
      { insecure: true },
    ];
    for (const options of ways) expect(await getText(client(options), `${server.url}/v2/`)).toBe('{}');
    const request = { method: 'GET', url: `${server.url}/v2/`, tls: { caPem: [pair.cert] } } as const;
    expect((await client().request(request, run)).status).toBe(200);
  });

  test('must name the host: a trusted one for another name is refused', async () => {
    const pair = await makeCertificate(['DNS:other.example.com']);
    const server = await startScriptedRegistry({ tls: pair });
    await expect(getText(client({ caPem: [pair.cert] }), server.url)).rejects.toMatchObject({
      code: 'HTTP_CERTIFICATE',
    });
  });

  test('of an IPv6 literal are checked against the address', async () => {
    const pair = await makeCertificate(['IP:::1']);
    const server = await startScriptedRegistry({ tls: pair, host: '::1' });
    expect(server.host).toMatch(/^\[::1\]:\d+$/);
    expect(await getText(client({ caPem: [pair.cert] }), `${server.url}/v2/`)).toBe('{}');
  });

  test('a CA file that is missing or no PEM is an error', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'ca.der');
    await writeFile(file, 'binary');
    await expect(
      getText(client({ caFiles: [path.join(folder, 'none')] }), 'http://127.0.0.1:1/'),
    ).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
    await expect(getText(client({ caFiles: [file] }), 'http://127.0.0.1:1/')).rejects.toMatchObject({
      code: 'HTTP_CA_INVALID',
    });
  });
});

describe('time-outs and broken connections', () => {
  test('a server that takes the request and says nothing is a time-out', async () => {
    const port = await listen(net.createServer(() => {}));
    await expect(getText(client({ headersTimeoutMs: 200 }), `http://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'HTTP_TIMEOUT',
    });
  });

  test('a body that stops moving is a time-out', async () => {
    const server = http.createServer((_, response) => {
      response.setHeader('content-length', '100');
      response.write('some');
    });
    const port = await listen(server);
    onTestFinished(() => server.closeAllConnections());
    await expect(getText(client({ bodyTimeoutMs: 200 }), `http://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'HTTP_TIMEOUT',
    });
  });

  test('a server that answers TLS with something else is HTTP_NO_TLS', async () => {
    const port = await listen(
      net.createServer((socket) => void socket.on('error', () => {}).end('HTTP/1.0 400 Bad Request\r\n\r\n')),
    );
    await expect(getText(client(), `https://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: 'HTTP_NO_TLS' });
  });

  test('a closed port and a body cut short are unreachable', async () => {
    const server = await startScriptedRegistry({ prank: () => ({ kind: 'drop', afterBytes: 1 }) });
    await expect(getText(client(), `${server.url}/v2/`)).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE' });
    await expect(getText(client(), 'http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE' });
  });

  test('an aborted run ends requests and bodies with CANCELLED', async () => {
    const port = await listen(net.createServer(() => {}));
    const abort = new AbortController();
    const waiting = client().request(
      { method: 'GET', url: `http://127.0.0.1:${port}/` },
      quietRun({ signal: abort.signal }),
    );
    setTimeout(() => abort.abort(), 20);
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('many requests on one run raise no listener warning', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const server = await startScriptedRegistry({ prank: () => ({ kind: 'delay', delayMs: 20 }) });
    const made = client();
    await Promise.all(Array.from({ length: 40 }, () => getText(made, `${server.url}/v2/`)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  });

  test('a body above its limit is refused, stated or not', async () => {
    const server = await startScriptedRegistry({
      prank: (request) => ({
        kind: 'answer',
        status: 200,
        body: Buffer.alloc(5000),
        headers: request.url === '/chunked' ? { 'content-length': '', 'transfer-encoding': 'chunked' } : {},
      }),
    });
    const response = await client().request({ method: 'GET', url: server.url }, run);
    await expect(readBody(response, 4999)).rejects.toMatchObject({ code: 'HTTP_TOO_LARGE' });
  });
});

describe('proxies', () => {
  /** A proxy that tunnels CONNECT to loopback, and answers requests in absolute form itself: nothing leaves this machine. */
  async function startProxy(authorization?: string) {
    const seen: string[] = [];
    const allowed = (request: http.IncomingMessage): boolean =>
      authorization === undefined || request.headers['proxy-authorization'] === authorization;
    const proxy = http.createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.writeHead(allowed(request) ? 200 : 407).end('by proxy');
    });
    proxy.on('connect', (request, socket: net.Socket, head: Buffer) => {
      seen.push(`CONNECT ${request.url}`);
      if (!allowed(request)) return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      // Names of the test resolve to loopback, as a proxy's own resolver might.
      const upstream = net.connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
      return undefined;
    });
    const port = await listen(proxy);
    onTestFinished(() => proxy.closeAllConnections());
    return { url: `http://127.0.0.1:${port}`, seen };
  }

  test('tunnel https and check the certificate of the server behind', async () => {
    const pair = await makeCertificate(['DNS:registry.example.com']);
    const server = await startScriptedRegistry({ tls: pair });
    const proxy = await startProxy();
    const url = `https://registry.example.com:${server.host.split(':')[1]}/v2/`;
    const made = client({ caPem: [pair.cert], proxy: { httpsProxy: proxy.url } });
    expect(await getText(made, url)).toBe('{}');
    expect(proxy.seen).toEqual([`CONNECT registry.example.com:${server.host.split(':')[1]}`]);
    const distrustful = client({ proxy: { httpsProxy: proxy.url } });
    await expect(getText(distrustful, url)).rejects.toMatchObject({ code: 'HTTP_CERTIFICATE' });
  });

  test('forward plain http without a tunnel, with the proxy password', async () => {
    const secret = `Basic ${Buffer.from('cook:p@ss').toString('base64')}`;
    const proxy = await startProxy(secret);
    const server = await startScriptedRegistry();
    const made = client({ proxy: { httpProxy: proxy.url.replace('//', '//cook:p%40ss@') } });
    expect(await getText(made, 'http://kitchen.example/soup?a=b')).toBe('by proxy');
    // Loopback never goes to a proxy.
    expect(await getText(made, `${server.url}/v2/`)).toBe('{}');
    expect(proxy.seen).toEqual(['GET http://kitchen.example/soup?a=b']);
  });

  test('that want a password are an error that names the proxy', async () => {
    const proxy = await startProxy('Basic other');
    const made = client({ proxy: { httpsProxy: proxy.url } });
    await expect(getText(made, 'https://registry.example.com/')).rejects.toMatchObject({ code: 'HTTP_PROXY' });
  });
});
