import { Readable, Writable } from 'node:stream';
import type { V1Status } from '@kubernetes/client-node';
import { AirlockError, errorText } from '../core/errors.ts';
import { cancellation, type Run } from '../core/run.ts';
import { type KubeconfigSource, loadKubeconfig, loadLibrary } from './kubeconfig.ts';

/** A container of a running pod. */
export interface PodContainer {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** What goes into a command and comes out of it. */
export interface PodStreams {
  /** Takes what it writes to standard output. */
  readonly onData?: (chunk: Buffer) => void;
  /** Its standard input. No end is told after it: the command has to know how much it reads. */
  readonly input?: Buffer;
}

/** Runs commands inside pods. */
export interface PodShell {
  /** Runs a command to its end. @throws AirlockError POD_COMMAND_FAILED, CLUSTER_UNREACHABLE, CANCELLED */
  exec(where: PodContainer, command: readonly string[], streams: PodStreams, run: Run): Promise<void>;
}

/** As much of what a failed command says as fits a message. */
const stderrLimit = 2000;

/** @throws AirlockError KUBECONFIG_INVALID */
export async function connectPodShell(source: KubeconfigSource): Promise<PodShell> {
  const { Exec } = await loadLibrary();
  const config = await loadKubeconfig(source);
  return {
    exec: (where, command, { onData = () => {}, input }, run) =>
      new Promise((resolve, reject) => {
        if (run.signal.aborted) return reject(cancellation(run.signal));
        let said = '';
        const failed = (text: string): AirlockError =>
          new AirlockError(
            'POD_COMMAND_FAILED',
            `${command.join(' ')} in pod ${where.namespace}/${where.pod}: ${text}`,
          );
        const settle = (status: V1Status): void =>
          status.status === 'Success' ? resolve() : reject(failed(said.trim() || (status.message ?? 'failed')));
        const unreachable = (error: unknown): void =>
          reject(
            new AirlockError(
              'CLUSTER_UNREACHABLE',
              `no command can be run in pod ${where.namespace}/${where.pod}: ${socketText(error)}`,
            ),
          );
        const stdout = sink(onData);
        const stderr = sink((chunk) => {
          said = (said + chunk.toString()).slice(-stderrLimit);
        });
        // It never ends: on an end the library closes the connection before the command has answered.
        const stdin = input === undefined ? null : new Readable({ read: () => {} });
        stdin?.push(input);
        new Exec(config)
          .exec(where.namespace, where.pod, where.container, [...command], stdout, stderr, stdin, false, settle)
          .then((socket) => {
            const abort = (): void => {
              reject(cancellation(run.signal));
              socket.close();
            };
            run.signal.addEventListener('abort', abort, { once: true });
            // The end of the connection settles nothing when the status came before it.
            socket.on('close', () => {
              run.signal.removeEventListener('abort', abort);
              unreachable('the connection ended before the command did');
            });
            socket.on('error', unreachable);
            if (run.signal.aborted) abort();
          }, unreachable);
      }),
  };
}

function sink(onData: (chunk: Buffer) => void): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      onData(chunk);
      done();
    },
  });
}

/** Errors of the socket come as events, which hold the message. */
function socketText(error: unknown): string {
  const event = error as { readonly message?: unknown } | undefined;
  return typeof error === 'string' ? error : typeof event?.message === 'string' ? event.message : errorText(error);
}
