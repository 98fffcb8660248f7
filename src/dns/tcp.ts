import { createServer, type Server, type Socket } from 'node:net';
import type { Responder } from './udp.ts';

/** Bounds on what clients may hold. */
export interface TcpLimits {
  /** Beyond these the connection that has been quiet for longest is closed. */
  readonly maxConnections: number;
  /** Time for one whole query to come in, or for the answers to be taken. */
  readonly idleTimeoutMs: number;
}

/** A listening TCP server and its way to end it. */
export interface TcpListener {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens for DNS over TCP: messages behind a two-byte length, many on one connection, answered in order. @see RFC 7766 */
export function listenTcp(
  address: string,
  port: number,
  responder: Responder,
  limits: TcpLimits,
): Promise<TcpListener> {
  // In order of their last whole query: the first is the one to give up.
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    if (open.size > limits.maxConnections) open.values().next().value?.destroy();
    serveConnection(socket, responder, limits.idleTimeoutMs, () => {
      open.delete(socket);
      open.add(socket);
    });
    socket.on('close', () => open.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, ipv6Only: true, exclusive: true }, () => {
      server.off('error', reject);
      // Running out of file descriptors must not end the process.
      server.on('error', () => {});
      resolve({ port: portOf(server), close: () => closeServer(server, open) });
    });
  });
}

/** So many queries of one connection are answered before others get a turn. */
const queriesPerTurn = 32;

function serveConnection(socket: Socket, responder: Responder, idleTimeoutMs: number, onQuery: () => void): void {
  let held: Buffer = Buffer.alloc(0);
  // Runs from one whole query to the next, not from byte to byte, so that a trickle of bytes holds no connection.
  let timer = setTimeout(() => socket.destroy(), idleTimeoutMs);
  const answerNext = (): boolean => {
    if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return false;
    const end = 2 + held.readUInt16BE(0);
    const response = responder(held.subarray(2, end), 'tcp');
    held = held.subarray(end);
    clearTimeout(timer);
    if (!response) {
      socket.destroy();
      return false;
    }
    timer = setTimeout(() => socket.destroy(), idleTimeoutMs);
    onQuery();
    const length = Buffer.alloc(2);
    length.writeUInt16BE(response.length);
    socket.write(Buffer.concat([length, response]));
    return true;
  };
  const pump = (): void => {
    for (let done = 0; !socket.destroyed; done += 1) {
      // A client that does not take its answers gets no more of them until it does; then "drain" comes here again.
      const later = socket.writableNeedDrain || done === queriesPerTurn;
      if (later) socket.pause();
      if (done === queriesPerTurn) setImmediate(pump);
      if (later) return;
      if (!answerNext()) {
        socket.resume();
        return;
      }
    }
  };
  socket.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    pump();
  });
  socket.on('drain', pump);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => clearTimeout(timer));
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

async function closeServer(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of open) socket.destroy();
  await closed;
}
