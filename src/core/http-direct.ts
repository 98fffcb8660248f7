import { errors } from 'undici';
import { DirectConnection, type DirectGet, type DirectOptions, type DirectResponse } from './http-direct-connection.ts';

/** Connections to one origin for GETs with large bodies. The caller bounds their number. */
export interface DirectPool {
  /** Undefined: the answer is of a kind that only a whole HTTP client reads; it was thrown away. @throws socket errors, undici's errors */
  get(request: DirectGet): Promise<DirectResponse | undefined>;
  close(): void;
}

/**
 * GETs whose bodies go from the socket straight into the memory of whoever takes them. undici gives each 64 KiB in a buffer of its own, after a
 * copy for its parser: two thirds of the cost of receiving gigabytes, and work for the garbage collector. What is no plain answer of known
 * length is left to undici.
 * @see docs/performance.md
 */
export function createDirectPool(origin: URL, options: DirectOptions): DirectPool {
  const all = new Set<DirectConnection>();
  let plain = 0;
  let odd = 0;
  const idle: DirectConnection[] = [];
  const takeIdle = (): DirectConnection | undefined => {
    for (let one = idle.pop(); one; one = idle.pop()) {
      if (one.isUsable(options.idleMs)) return one;
      one.destroy(new errors.InformationalError('idle for too long'));
    }
    return undefined;
  };
  const open = (): DirectConnection => {
    const connection = new DirectConnection(origin, options, {
      idle: () => idle.push(connection),
      closed: () => {
        all.delete(connection);
        if (idle.includes(connection)) idle.splice(idle.indexOf(connection), 1);
      },
    });
    all.add(connection);
    return connection;
  };
  const send = async (request: DirectGet): Promise<DirectResponse | undefined> => {
    const used = takeIdle();
    if (used) {
      try {
        return await used.get(request);
      } catch (error) {
        // A server may have closed it just then. No byte of an answer came, and a GET can be made again.
        if (request.signal.aborted || !used.wasUnanswered) throw error;
      }
    }
    return open().get(request);
  };
  return {
    async get(request) {
      // A server of which most answers have to be asked for twice is not asked here any more.
      if (odd > plain + 2) return undefined;
      // What cannot stand in a head undici refuses with a word of its own.
      if (Object.values(request.headers).some((value) => /[^\t\x20-\x7e\x80-\xff]/.test(value))) return undefined;
      const response = await send(request);
      if (response) plain += 1;
      else odd += 1;
      return response;
    },
    close() {
      for (const connection of [...all]) connection.destroy(new errors.ClientDestroyedError());
    },
  };
}
