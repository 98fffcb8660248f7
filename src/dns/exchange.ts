import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { AirlockError, findErrno } from '../core/errors.ts';
import { findIpFamily, hostPort } from '../core/ip.ts';
import { assertRunning, cancellation, type Run } from '../core/run.ts';
import type { DnsAddress } from './server.ts';

const udpAttempts = 3;

/** Sends a query in datagrams until an answer to it comes. `deadline` in epoch milliseconds. @throws as `lookup` */
export function exchangeUdp(server: DnsAddress, query: Buffer, deadline: number, run: Run): Promise<Buffer> {
  assertRunning(run);
  // The socket lives for one question and is connected: the kernel drops what others send, and reports a closed port.
  const socket = createSocket({ type: findIpFamily(server.address) === 6 ? 'udp6' : 'udp4' });
  let repeat: NodeJS.Timeout | undefined;
  return settle<Buffer>(server, deadline, run, (resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (message) => {
      if (isAnswerTo(message, query)) resolve(message);
    });
    // An event and no callback: Node gives a callback the error of a connect that failed (no route there), and sending then throws past everybody.
    socket.once('connect', () => {
      const send = (): void => socket.send(query, (error) => error && reject(error));
      send();
      repeat = setInterval(send, Math.max(1, (deadline - Date.now()) / udpAttempts));
    });
    socket.connect(server.port, server.address);
    return () => {
      clearInterval(repeat);
      socket.on('error', () => {});
      socket.close();
    };
  });
}

/** Sends a query over a connection of its own. @throws as `lookup` */
export function exchangeTcp(server: DnsAddress, query: Buffer, deadline: number, run: Run): Promise<Buffer> {
  assertRunning(run);
  const socket = connect({ host: server.address, port: server.port });
  return settle<Buffer>(server, deadline, run, (resolve, reject) => {
    let held: Buffer = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was closed')));
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return;
      const message = held.subarray(2, 2 + held.readUInt16BE(0));
      if (isAnswerTo(message, query)) resolve(message);
      else reject(new Error('the answer belongs to another question'));
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
    return () => {
      socket.on('error', () => {});
      socket.destroy();
    };
  });
}

/** A promise with the time-out, the abort and the clean-up that both ways of asking share. */
function settle<T>(
  server: DnsAddress,
  deadline: number,
  run: Run,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
): Promise<T> {
  const where = hostPort(server.address, server.port);
  return new Promise<T>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let stop = (): void => {};
    const finish = (end: () => void): void => {
      clearTimeout(timer);
      run.signal.removeEventListener('abort', onAbort);
      stop();
      stop = () => {};
      end();
    };
    const onAbort = (): void => finish(() => reject(cancellation(run.signal)));
    run.signal.addEventListener('abort', onAbort, { once: true });
    timer = setTimeout(
      () => finish(() => reject(new AirlockError('DNS_TIMEOUT', `${where} did not answer in time`))),
      Math.max(0, deadline - Date.now()),
    );
    stop = start(
      (value) => finish(() => resolve(value)),
      (error) => finish(() => reject(unreachable(where, error))),
    );
  });
}

/** Same id, and the same question where it is repeated (an error may come without). */
function isAnswerTo(message: Buffer, query: Buffer): boolean {
  if (message.length < 12 || ((message[2] ?? 0) & 0x80) === 0) return false;
  if (message.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if (message.readUInt16BE(4) === 0) return ((message[3] ?? 0) & 15) !== 0;
  // The query's only question is followed by its OPT record of 11 bytes.
  const question = query.subarray(12, query.length - 11);
  const echoed = message.subarray(12, 12 + question.length);
  return echoed.toString('latin1').toLowerCase() === question.toString('latin1').toLowerCase();
}

function unreachable(where: string, error: unknown): AirlockError {
  const hint = findErrno(error) === 'ECONNREFUSED' ? { hint: 'no name server listens there' } : {};
  return new AirlockError('DNS_UNREACHABLE', `cannot ask the name server at ${where}`, { cause: error, ...hint });
}
