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
  answer: (pod: string, command: readonly string[]) => ExecAnswer,
): void {
  const url = new URL(request.url ?? '/', 'http://fake');
  const pod = /\/namespaces\/([^/]+)\/pods\/([^/]+)\/exec$/.exec(url.pathname);
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n`,
  );
  const {
    stdout = '',
    stderr = '',
    exitCode = 0,
    cut,
  } = answer(`${pod?.[1]}/${pod?.[2]}`, url.searchParams.getAll('command'));
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

function frame(stream: number, content: Buffer): Buffer {
  const length = content.length + 1;
  const head = length < 126 ? Buffer.from([0x82, length]) : Buffer.from([0x82, 126, length >> 8, length & 255]);
  return Buffer.concat([head, Buffer.from([stream]), content]);
}
