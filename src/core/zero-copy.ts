import { type Server, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { loadKoffi } from './koffi.ts';

/**
 * System calls that Node has no words for, by way of koffi. They do not wait: neither for the disk, as long as the pages asked for are in
 * the page cache, nor for a socket. File and socket are numbers of open descriptors.
 */
export interface ZeroCopy {
  /** Reads what is in the page cache (`preadv2` with RWF_NOWAIT); 0 where the disk would have to be waited for, and where the kernel cannot tell. */
  readCached(file: number, buffer: Buffer, position: number): number;
  /** Hands up to `lengthBytes` of a file to a socket without copying them (`sendfile`); 0 when the socket takes none now. */
  sendFile(socket: number, file: number, position: number, lengthBytes: number): number;
  /** Has a TCP socket send full packets only (`TCP_CORK`), or send what it holds; the kernel itself holds nothing longer than 200 ms. */
  cork(socket: number, on: boolean): void;
  /** The name of the congestion control of a TCP socket, as `bbr` (`TCP_CONGESTION`); undefined when the kernel does not tell. */
  congestionControl(socket: number): string | undefined;
  /** Changes it, of a listening socket that of the connections to come; false when the kernel refuses. */
  setCongestionControl(socket: number, name: string): boolean;
  /**
   * Calls `onRoom` in every turn of the event loop in which a good part of the socket's send buffer is free, until the function that is
   * returned is called; undefined when the descriptor cannot be watched. `onRoom` runs outside of Node's own callbacks: it must not throw, and
   * promises that it settles are looked at only after the next of these.
   */
  watchRoom(socket: number, onRoom: () => void): (() => void) | undefined;
}

/** The calls, undefined where koffi cannot be loaded (odd platforms) or the C library lacks them. */
export function findZeroCopy(): ZeroCopy | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return bindCalls(loadKoffi() as Koffi);
  } catch {
    return undefined;
  }
}

/** The descriptor of a plain connected socket; undefined for TLS, whose bytes have to be encrypted, and for a closed one. */
export function findSocketDescriptor(socket: Socket | null): number | undefined {
  if (!(socket instanceof Socket) || socket instanceof TLSSocket || socket.destroyed) return undefined;
  return findDescriptor(socket);
}

/** The descriptor of a server or socket; undefined where it is not open. */
export function findDescriptor(owner: Server | Socket): number | undefined {
  const handle: unknown = Reflect.get(owner, '_handle');
  const descriptor: unknown = typeof handle === 'object' && handle ? Reflect.get(handle, 'fd') : undefined;
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : undefined;
}

/** What is used of koffi. */
interface Koffi {
  load(library: null): { func(name: string, result: string, parameters: readonly unknown[]): NativeCall };
  struct(members: Readonly<Record<string, string>>): unknown;
  pointer(type: unknown): unknown;
  inout(type: unknown): unknown;
  readonly node: { poll(descriptor: number, events: { writable: true }, onEvent: () => void): { close(): void } };
}

type NativeCall = (...values: readonly unknown[]) => number;

const withoutWaiting = 8;
const [tcpLevel, tcpCork, tcpCongestion] = [6, 3, 13];
const duplicateCloseOnExec = 1030;

function bindCalls(koffi: Koffi): ZeroCopy {
  const library = koffi.load(null);
  const vector = koffi.pointer(koffi.struct({ base: 'void *', length: 'size_t' }));
  const preadv2 = library.func('preadv64v2', 'int64_t', ['int', vector, 'int', 'int64_t', 'int']);
  const sendfile = library.func('sendfile64', 'int64_t', ['int', 'int', 'void *', 'size_t']);
  const offset = new BigInt64Array(1);
  const setsockopt = library.func('setsockopt', 'int', ['int', 'int', 'int', 'void *', 'uint32_t']);
  const getsockopt = library.func('getsockopt', 'int', ['int', 'int', 'int', 'void *', 'void *']);
  const fcntl = library.func('fcntl', 'int', ['int', 'int', '...']);
  const close = library.func('close', 'int', ['int']);
  const { poll } = koffi.node;
  if (typeof poll !== 'function') throw new Error('this koffi cannot watch descriptors');
  // An error is "none": whoever called goes on in the ordinary way, and meets it there if it lasts.
  return {
    readCached: (file, buffer, position) =>
      Math.max(0, preadv2(file, [{ base: buffer, length: buffer.length }], 1, position, withoutWaiting)),
    sendFile: (socket, file, position, lengthBytes) => {
      offset[0] = BigInt(position);
      return Math.max(0, sendfile(socket, file, offset, lengthBytes));
    },
    cork: (socket, on) => void setsockopt(socket, tcpLevel, tcpCork, Int32Array.of(on ? 1 : 0), 4),
    congestionControl: (socket) => {
      const name = Buffer.alloc(16);
      if (getsockopt(socket, tcpLevel, tcpCongestion, name, Uint32Array.of(name.length)) !== 0) return undefined;
      return name.toString('latin1').replace(/\0.*$/s, '');
    },
    setCongestionControl: (socket, name) => {
      const bytes = Buffer.from(name, 'latin1');
      return setsockopt(socket, tcpLevel, tcpCongestion, bytes, bytes.length) === 0;
    },
    watchRoom: (socket, onRoom) => {
      // Node's event loop knows the socket's own descriptor already, and takes none twice.
      const copy = fcntl(socket, duplicateCloseOnExec, 'int', 0);
      if (copy < 0) return undefined;
      const watch = poll(copy, { writable: true }, onRoom);
      return () => {
        watch.close();
        close(copy);
      };
    },
  };
}
