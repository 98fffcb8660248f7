import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type LookupFunction, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createHttp, type HttpOptions } from '../../src/core/http.ts';
import { readBody } from '../../src/core/http-body.ts';
import { parsePlainHead } from '../../src/core/http-direct-head.ts';
import { type ByteSink, isPourable, pourBody } from '../../src/core/http-pour.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { seededBytes } from '../helpers/scripted-registry.ts';

const run = quietRun();
const content = seededBytes('gravy', 3_000_000);

function client(options: HttpOptions = {}) {
  const made = createHttp(options);
  onTestFinished(() => made.close());
  return made;
}

async function listen(server: net.Server): Promise<{ port: number; connections: Socket[] }> {
  const connections: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    connections.push(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections };
}

/** A server that says what it likes, byte by byte. */
function rawServer(answer: (socket: Socket, nth: number) => void): Promise<{ port: number; connections: Socket[] }> {
  let nth = 0;
  return listen(
    net.createServer((socket) => {
      socket.on('data', () => {
        nth += 1;
        answer(socket, nth);
      });
    }),
  );
}

const sendContent: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-length': content.length });
  response.end(content);
};

/** Collects into blocks of a fixed size; `wait` is what each full block takes. */
function blockSink(blockBytes: number, wait?: () => Promise<void>) {
  const block = Buffer.alloc(blockBytes);
  const parts: Buffer[] = [];
  let filled = 0;
  let lent: Uint8Array | undefined;
  const sink: ByteSink = {
    room() {
      lent = block.subarray(filled);
      return lent;
    },
    took(count) {
      expect(count).toBeLessThanOrEqual(lent?.length ?? 0);
      parts.push(Buffer.from(block.subarray(filled, filled + count)));
      filled += count;
      if (filled < blockBytes) return undefined;
      filled = 0;
      return wait?.();
    },
  };
  return { sink, bytes: () => Buffer.concat(parts), parts };
}

async function pour(made: ReturnType<typeof client>, url: string, sink: ByteSink, with_: Run = run) {
  const response = await made.request({ method: 'GET', url, pour: true }, with_);
  await pourBody(response.body, sink);
  return response;
}

describe('a body that is poured', () => {
  test.each([
    ['at once', undefined],
    ['with waits', () => sleep(1)],
  ])('comes whole over plain HTTP, taken %s', async (_, wait) => {
    const { port } = await listen(http.createServer(sendContent));
    const { sink, bytes } = blockSink(100_000, wait);
    const response = await pour(client(), `http://127.0.0.1:${port}/`, sink);
    expect(isPourable(response.body)).toBe(true);
    expect(bytes().equals(content)).toBe(true);
  });

  test.each([
    ['at once', undefined],
    ['with waits', () => sleep(1)],
  ])('comes whole over TLS, taken %s', async (_, wait) => {
    const certificate = await makeCertificate();
    const { port } = await listen(https.createServer({ cert: certificate.cert, key: certificate.key }, sendContent));
    const { sink, bytes } = blockSink(50_000, wait);
    const response = await pour(client({ caPem: [certificate.cert] }), `https://127.0.0.1:${port}/`, sink);
    expect(isPourable(response.body)).toBe(true);
    expect(bytes().equals(content)).toBe(true);
  });

  test('comes from a name of several addresses, of which the first refuses', async () => {
    const { port } = await listen(http.createServer(sendContent));
    const lookup: LookupFunction = (_, __, answer) =>
      answer(null, [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ]);
    const { sink, bytes } = blockSink(100_000);
    const response = await pour(client({ lookup }), `http://kitchen.example:${port}/`, sink);
    expect(isPourable(response.body)).toBe(true);
    expect(bytes().equals(content)).toBe(true);
  });

  test('an untrusted certificate is refused', async () => {
    const certificate = await makeCertificate();
    const { port } = await listen(https.createServer({ cert: certificate.cert, key: certificate.key }, sendContent));
    const { sink } = blockSink(1000);
    await expect(pour(client(), `https://127.0.0.1:${port}/`, sink)).rejects.toMatchObject({
      code: 'HTTP_CERTIFICATE',
    });
  });

  test('is a stream for those who read it as one', async () => {
    const { port } = await listen(http.createServer(sendContent));
    const response = await client().request({ method: 'GET', url: `http://127.0.0.1:${port}/`, pour: true }, run);
    expect((await readBody(response, 4_000_000)).equals(content)).toBe(true);
  });

  test('empty ones, and small ones that come with the head, leave the connection for the next', async () => {
    const { port, connections } = await listen(
      http.createServer((request, response) => response.end(request.url === '/empty' ? '' : 'small')),
    );
    const made = client();
    for (const [path, text] of [
      ['/empty', ''],
      ['/a', 'small'],
      ['/b', 'small'],
    ] as const) {
      const { sink, bytes } = blockSink(10);
      await pour(made, `http://127.0.0.1:${port}${path}`, sink);
      expect(bytes().toString()).toBe(text);
    }
    expect(connections).toHaveLength(1);
  });

  test('is asked for again where an idle connection was closed just then', async () => {
    const { port, connections } = await rawServer((socket, nth) => {
      if (nth === 2) socket.destroy();
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    });
    const made = client();
    for (const _ of [1, 2]) {
      const { sink, bytes } = blockSink(10);
      await pour(made, `http://127.0.0.1:${port}/`, sink);
      expect(bytes().toString()).toBe('ok');
    }
    expect(connections).toHaveLength(2);
  });

  test('a head in pieces is put together', async () => {
    const { port } = await rawServer((socket) => {
      const text = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone';
      const next = (at: number): void => {
        socket.write(text.slice(at, at + 3));
        if (at + 3 < text.length) setTimeout(next, 1, at + 3);
      };
      next(0);
    });
    const { sink, bytes } = blockSink(10);
    await pour(client(), `http://127.0.0.1:${port}/`, sink);
    expect(bytes().toString()).toBe('done');
  });

  test('answers of unknown length are left to the whole client', async () => {
    const { port } = await listen(
      http.createServer((_, response) => {
        response.write(content.subarray(0, 1_000_000));
        response.end(content.subarray(1_000_000));
      }),
    );
    const { sink, bytes } = blockSink(100_000);
    const response = await pour(client(), `http://127.0.0.1:${port}/`, sink);
    expect(isPourable(response.body)).toBe(false);
    expect(bytes().equals(content)).toBe(true);
  });

  test('goes through a proxy where there is one', async () => {
    const asked: string[] = [];
    const { port } = await listen(
      http.createServer((request, response) => {
        asked.push(request.url ?? '');
        response.end('by proxy');
      }),
    );
    const { sink, bytes } = blockSink(100);
    await pour(client({ proxy: { httpProxy: `http://127.0.0.1:${port}` } }), 'http://kitchen.invalid/x', sink);
    expect(bytes().toString()).toBe('by proxy');
    expect(asked).toEqual(['http://kitchen.invalid/x']);
  });

  test('that breaks off gives what came and then the error', async () => {
    const { port } = await listen(
      http.createServer((_, response) => {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 500_000), () => response.destroy());
      }),
    );
    const { sink, bytes } = blockSink(100_000, () => sleep(1));
    await expect(pour(client(), `http://127.0.0.1:${port}/`, sink)).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE' });
    expect(bytes().equals(content.subarray(0, bytes().length))).toBe(true);
    expect(bytes().length).toBeGreaterThan(0);
  });

  test('bytes after its end spoil the connection, not the body', async () => {
    const { port, connections } = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      setTimeout(() => socket.write('k'), 30);
    });
    const made = client();
    for (const nth of [1, 2]) {
      const { sink, bytes } = blockSink(10);
      await pour(made, `http://127.0.0.1:${port}/`, sink);
      expect(bytes().toString()).toBe('ok');
      await expect.poll(() => connections[nth - 1]?.destroyed).toBe(true);
    }
  });

  test('what is no HTTP has the words of the whole client', async () => {
    const { port } = await rawServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n\r\n'));
    const { sink } = blockSink(10);
    await expect(pour(client(), `http://127.0.0.1:${port}/`, sink)).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE' });
  });

  test('a silent server is a time-out, before the head and within the body; a slow taker is not', async () => {
    const { port } = await rawServer((socket, nth) => {
      if (nth > 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfirst');
    });
    const made = client({ headersTimeoutMs: 300, bodyTimeoutMs: 300 });
    for (const _ of [1, 2]) {
      const { sink } = blockSink(10);
      await expect(pour(made, `http://127.0.0.1:${port}/`, sink)).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
    }
    const slow = await listen(http.createServer(sendContent));
    const { sink, bytes } = blockSink(1_500_000, () => sleep(700));
    await pour(made, `http://127.0.0.1:${slow.port}/`, sink);
    expect(bytes()).toHaveLength(content.length);
  });

  test('ends with CANCELLED when the run is aborted, before the head and within the body', async () => {
    const { port } = await rawServer((socket, nth) => {
      if (nth > 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfirst');
    });
    for (const _ of [1, 2]) {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 100);
      const { sink } = blockSink(10);
      await expect(
        pour(client(), `http://127.0.0.1:${port}/`, sink, quietRun({ signal: stop.signal })),
      ).rejects.toMatchObject({ code: 'CANCELLED' });
    }
  });

  test.each([
    ['thrown', () => undefined],
    ['rejected', () => Promise.reject(new Error('the disk is full'))],
  ])("a taker's own error, %s, comes out as it is and ends the connection", async (_, wait) => {
    const { port, connections } = await listen(http.createServer(sendContent));
    const room = Buffer.alloc(1000);
    const sink: ByteSink = {
      room: () => room,
      took: () => {
        const waiting = wait();
        if (waiting) return waiting;
        throw new Error('the disk is full');
      },
    };
    await expect(pour(client(), `http://127.0.0.1:${port}/`, sink)).rejects.toThrow(/^the disk is full$/);
    await expect.poll(() => connections[0]?.destroyed).toBe(true);
  });

  test('one that nobody wants to the end lets go of its connection', async () => {
    const { port, connections } = await listen(http.createServer(sendContent));
    const response = await client().request({ method: 'GET', url: `http://127.0.0.1:${port}/`, pour: true }, run);
    response.body.on('error', () => {});
    response.body.destroy();
    await expect.poll(() => connections[0]?.destroyed).toBe(true);
  });
});

test.each([
  [
    'a plain head',
    'HTTP/1.1 206 Partial Content\r\nContent-Length: 7\r\nX-A: 1\r\nx-a:  2 ',
    { status: 206, bodyBytes: 7 },
  ],
  ['no reason', 'HTTP/1.1 200\r\ncontent-length: 0', { status: 200, bodyBytes: 0, keepAlive: true }],
  ['a connection that ends', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: Close', { keepAlive: false }],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 1', undefined],
  ['no length', 'HTTP/1.1 200 OK\r\nserver: x', undefined],
  ['chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked', undefined],
  ['length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked', undefined],
  ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4', undefined],
  ['a negative length', 'HTTP/1.1 200 OK\r\ncontent-length: -3', undefined],
  ['an interim answer', 'HTTP/1.1 100 Continue\r\ncontent-length: 0', undefined],
  ['no content', 'HTTP/1.1 204 No Content\r\ncontent-length: 0', undefined],
  ['a folded header', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n more', undefined],
  ['a bare line feed', 'HTTP/1.1 200 OK\ncontent-length: 3', undefined],
  ['white space before the colon', 'HTTP/1.1 200 OK\r\ncontent-length : 3', undefined],
])('parsePlainHead takes or leaves %s', (_, text, expected) => {
  const head = parsePlainHead(text);
  if (expected === undefined) expect(head).toBeUndefined();
  else expect(head).toMatchObject(expected);
  if (text.includes('X-A')) expect(head?.headers['x-a']).toBe('1, 2');
});
