import { createHash } from 'node:crypto';
import type http from 'node:http';
import type { Duplex } from 'node:stream';

/** What a command in a pod writes, and how it ends. */
export interface ExecAnswer {
  readonly stdout?: Buffer | string;
  readonly stderr?: string;
  /** Default 0. */
  readonly exitCode?: number;
  /** The connection is cut instead of ending. */
  readonly cut?: boolean;
}

/**
 * Answers an `exec` as an API server does: a WebSocket whose binary messages begin with the number of their stream (1 out, 2 error, 3 status).
 * @see RFC 6455; kubernetes/kubernetes, remotecommand v4
 */
export function answerExec(
  request: http.IncomingMessage,
  socket: Duplex,
  answer: (pod: string, command: readonly string[], input: Buffer) => ExecAnswer,
): void {
  const url = new URL(request.url ?? '/', 'http://fake');
  const pod = /\/namespaces\/([^/]+)\/pods\/([^/]+)\/exec$/.exec(url.pathname);
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n`,
  );
  const command = url.searchParams.getAll('command');
  const finish = (input: Buffer): void => send(socket, answer(`${pod?.[1]}/${pod?.[2]}`, command, input));
  if (url.searchParams.get('stdin') === 'true')
    readInput(socket, Number(/head -c (\d+)/.exec(command.join(' '))?.[1]), finish);
  else finish(Buffer.alloc(0));
}

function send(socket: Duplex, { stdout = '', stderr = '', exitCode = 0, cut }: ExecAnswer): void {
  const out = Buffer.from(stdout);
  for (let at = 0; at < out.length; at += 32_768) socket.write(frame(1, out.subarray(at, at + 32_768)));
  if (cut) return void socket.end();
  if (stderr) socket.write(frame(2, Buffer.from(stderr)));
  const status =
    exitCode === 0
      ? { status: 'Success' }
      : { status: 'Failure', reason: 'NonZeroExitCode', message: `command terminated with exit code ${exitCode}` };
  socket.write(frame(3, Buffer.from(JSON.stringify(status))));
  socket.end(Buffer.from([0x88, 0]));
}

/** Collects what clients send on stream 0, as far as the command reads. */
function readInput(socket: Duplex, wanted: number, done: (input: Buffer) => void): void {
  let waiting = Buffer.alloc(0);
  const found: Buffer[] = [];
  let size = 0;
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    for (let read = readFrame(waiting); read; read = readFrame(waiting)) {
      waiting = waiting.subarray(read.length);
      if (read.payload[0] !== 0) continue;
      found.push(read.payload.subarray(1));
      size += read.payload.length - 1;
      if (size >= wanted) return void done(Buffer.concat(found));
    }
  });
}

/** A whole masked frame at the start; undefined when more has to come. */
function readFrame(bytes: Buffer): { readonly payload: Buffer; readonly length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 127;
  const head = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < head + 4) return undefined;
  const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const length = head + 4 + size;
  if (bytes.length < length) return undefined;
  const mask = bytes.subarray(head, head + 4);
  const payload = Buffer.from(bytes.subarray(head + 4, length));
  for (let index = 0; index < payload.length; index += 1)
    payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
  return { payload, length };
}

function frame(stream: number, content: Buffer): Buffer {
  const length = content.length + 1;
  const head = length < 126 ? Buffer.from([0x82, length]) : Buffer.from([0x82, 126, length >> 8, length & 255]);
  return Buffer.concat([head, Buffer.from([stream]), content]);
}
