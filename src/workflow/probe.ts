import net from 'node:net';
import type { Run } from '../core/run.ts';

/** Whether something takes TCP connections at an address within `timeoutMs`. */
export function probeTcp(address: string, port: number, timeoutMs: number, run: Run): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port, timeout: timeoutMs, signal: run.signal });
    const end = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket
      .on('connect', () => end(true))
      .on('timeout', () => end(false))
      .on('error', () => end(false));
  });
}
