import type { Socket } from 'node:net';
import { buildConnector, errors } from 'undici';
import { DirectBody } from './http-direct-body.ts';
import { type PlainHead, parsePlainHead } from './http-direct-head.ts';
import type { PourableBody } from './http-pour.ts';

/** How direct connections are made, and how long they wait. */
export interface DirectOptions {
  /** As undici's connector takes them: TLS, time-out, look-up. */
  readonly connect: buildConnector.BuildOptions;
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  /** An idle connection is not used any more after this time. */
  readonly idleMs: number;
}

/** The answer to a GET over a direct connection. */
export interface DirectResponse {
  readonly head: PlainHead;
  readonly body: PourableBody;
}

/** A GET. */
export interface DirectGet {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Makes a connection's error what the reader of the body gets. */
  readonly translate: (error: Error) => Error;
}

/** Whom a connection tells what becomes of it. */
export interface ConnectionOwner {
  idle(): void;
  closed(): void;
}

/** A GET that waits for the head of its answer. */
interface PendingGet {
  readonly request: DirectGet;
  bytes: Buffer;
  /** Stops listening for the abort. */
  readonly forget: () => void;
  readonly resolve: (response: DirectResponse | undefined) => void;
  readonly reject: (error: Error) => void;
}

const headLimitBytes = 32 << 10;
const scratchBytes = 64 << 10;

/** One connection that carries one GET at a time. */
export class DirectConnection {
  /** The last GET failed before a byte of its answer came, otherwise than by a time-out. */
  wasUnanswered = false;
  readonly #origin: URL;
  readonly #options: DirectOptions;
  readonly #owner: ConnectionOwner;
  readonly #scratch = Buffer.allocUnsafeSlow(scratchBytes);
  #socket: Socket | undefined;
  #idleSince = 0;
  #pending: PendingGet | undefined;
  #body: DirectBody | undefined;

  constructor(origin: URL, options: DirectOptions, owner: ConnectionOwner) {
    this.#origin = origin;
    this.#options = options;
    this.#owner = owner;
  }

  isUsable(idleMs: number): boolean {
    return this.#socket?.destroyed === false && performance.now() - this.#idleSince < idleMs;
  }

  async get(request: DirectGet): Promise<DirectResponse | undefined> {
    const { signal } = request;
    const abort = (): void => this.destroy(new errors.RequestAbortedError());
    const forget = (): void => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort, { once: true });
    try {
      this.#socket ??= await this.#connect();
      return await this.#ask(this.#socket, request, forget);
    } catch (error) {
      forget();
      throw error;
    }
  }

  destroy(error: Error): void {
    this.#fail(error);
    this.#socket?.destroy();
  }

  #connect(): Promise<Socket> {
    const onread = {
      buffer: (): Uint8Array => this.#body?.room() ?? this.#scratch,
      callback: (count: number, bytes: Uint8Array): boolean => this.#onRead(count, bytes),
    };
    // Passed on to net.connect() and tls.connect(), which undici's type does not know.
    const connect = buildConnector({ ...this.#options.connect, onread } as buildConnector.BuildOptions);
    const { protocol, host, port } = this.#origin;
    const hostname = this.#origin.hostname.replace(/^\[|\]$/g, '');
    return new Promise((resolve, reject) => {
      connect({ protocol, hostname, host, port }, (error, socket) => {
        if (!socket) {
          this.#owner.closed();
          reject(error ?? new errors.SocketError('no connection'));
          return;
        }
        socket.on('timeout', () => {
          this.wasUnanswered = false;
          this.destroy(this.#pending ? new errors.HeadersTimeoutError() : new errors.BodyTimeoutError());
        });
        socket.on('error', (cause) => this.#fail(cause));
        socket.on('end', () => this.destroy(new errors.SocketError('other side closed')));
        socket.on('close', () => {
          this.#fail(new errors.SocketError('other side closed'));
          this.#owner.closed();
        });
        resolve(socket);
      });
    });
  }

  async #ask(socket: Socket, request: DirectGet, forget: () => void): Promise<DirectResponse | undefined> {
    const { url, headers, signal } = request;
    if (signal.aborted) throw new errors.RequestAbortedError();
    this.wasUnanswered = true;
    socket.ref();
    socket.setTimeout(this.#options.headersTimeoutMs);
    const lines = Object.entries({ host: url.host, ...headers, connection: 'keep-alive' });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    return new Promise((resolve, reject) => {
      this.#pending = { request, bytes: Buffer.alloc(0), forget, resolve, reject };
      socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${head}\r\n`, 'latin1');
    });
  }

  /** At once, in the turn that read the head: more of a TLS connection may be decrypted already. */
  #answer(socket: Socket, { request, forget }: PendingGet, head: PlainHead | undefined, rest: Buffer) {
    // More than the whole is no plain answer either.
    if (!head || rest.length > head.bodyBytes) {
      forget();
      this.destroy(new errors.InformationalError('no plain answer'));
      return undefined;
    }
    const body = new DirectBody(head.bodyBytes, rest, {
      pause: () => socket.setTimeout(0),
      resume: () => {
        socket.setTimeout(this.#options.bodyTimeoutMs);
        socket.resume();
      },
      received: () => {
        forget();
        this.#body = undefined;
        if (head.keepAlive && !socket.destroyed) this.#rest(socket);
        else socket.destroy();
      },
      abandon: () => {
        forget();
        this.#body = undefined;
        socket.destroy();
      },
      translate: request.translate,
      scratch: this.#scratch,
    });
    this.#body = body;
    body.begin();
    return { head, body };
  }

  /** Waits for the next GET. Reading goes on, so that the end of the connection is seen; it does not keep the program running. */
  #rest(socket: Socket): void {
    socket.setTimeout(0);
    socket.unref();
    socket.resume();
    this.#idleSince = performance.now();
    this.#owner.idle();
  }

  /** False stops reading. */
  #onRead(count: number, bytes: Uint8Array): boolean {
    if (this.#body) return this.#body.onRead(count, bytes);
    const pending = this.#pending;
    if (!pending || !this.#socket) {
      this.destroy(new errors.SocketError('bytes that nobody asked for'));
      return false;
    }
    this.wasUnanswered = false;
    // The scratch is read into again: what is kept of it is copied.
    pending.bytes = Buffer.concat([pending.bytes, bytes.subarray(0, count)]);
    const end = pending.bytes.indexOf('\r\n\r\n');
    if (end < 0 && pending.bytes.length < headLimitBytes) return true;
    this.#pending = undefined;
    const head = end < 0 ? undefined : parsePlainHead(pending.bytes.toString('latin1', 0, end));
    pending.resolve(this.#answer(this.#socket, pending, head, pending.bytes.subarray(end + 4)));
    // What is whole already leaves the connection free, which reads on to see its end.
    return this.#body === undefined;
  }

  #fail(error: Error): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error);
    this.#body?.fail(error);
  }
}
