import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { AirlockError } from '../../core/errors.ts';
import { findFile, writeFileAtomic } from '../../core/files.ts';
import { prettyJson } from '../../core/json.ts';
import { findProcess, ownProcess, type ProcessMark } from '../../core/process-mark.ts';
import type { Run } from '../../core/run.ts';
import { backgroundPaths } from './background.ts';

export interface SuperviseOptions {
  /** What to keep running, its output goes where this process's goes. */
  readonly command: readonly string[];
  readonly stateFolder: string;
  /** Wait before the first restart; doubled up to `maxDelayMs` while starts keep failing. Default 500. */
  readonly firstDelayMs?: number;
  /** Default 30,000. */
  readonly maxDelayMs?: number;
  /** A worker that ran this long was well: the next wait is the first one again. Default 60,000. */
  readonly wellAfterMs?: number;
}

/**
 * Keeps a worker running until the run is aborted: one that ends is started again with growing waits. A worker that never became ready is
 * not: what is wrong with it will be wrong again, and `up` tells why.
 * @throws AirlockError SERVICES_FAILED when the first start fails
 */
export async function supervise(options: SuperviseOptions, run: Run): Promise<void> {
  const { firstDelayMs = 500, maxDelayMs = 30_000, wellAfterMs = 60_000, stateFolder } = options;
  const paths = backgroundPaths(stateFolder);
  const own = { ...(await ownProcess()), startedAt: run.now().toISOString() };
  const keepRecord = (worker: ProcessMark | undefined, restarts: number): Promise<void> =>
    writeFileAtomic(paths.supervisor, prettyJson({ ...own, worker, restarts }), run);
  await keepRecord(undefined, 0);
  let delayMs = firstDelayMs;
  try {
    for (let restarts = 0; !run.signal.aborted; restarts += 1) {
      const startedMs = performance.now();
      const ending = await runWorker(options.command, (worker) => keepRecord(worker, restarts), run);
      if (run.signal.aborted) break;
      const ready = await wasReady(ending.pid, stateFolder, run);
      if (restarts === 0 && !ready) throw new AirlockError('SERVICES_FAILED', `the services ended: ${ending.how}`);
      if (performance.now() - startedMs > wellAfterMs) delayMs = firstDelayMs;
      const message = `the services ended (${ending.how}); started again in ${delayMs} ms`;
      run.report({ stage: 'serve', state: 'log', level: 'warning', message });
      await sleep(delayMs, undefined, { signal: run.signal }).catch(() => {});
      delayMs = Math.min(delayMs * 2, maxDelayMs);
    }
  } finally {
    await run.disk.remove(paths.supervisor);
  }
}

async function runWorker(
  command: readonly string[],
  onStart: (worker: ProcessMark | undefined) => Promise<void>,
  run: Run,
): Promise<{ readonly pid: number; readonly how: string }> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const pid = child.pid ?? 0;
  const ended = new Promise<{ pid: number; how: string }>((resolve) => {
    child.once('error', (error) => resolve({ pid, how: error.message }));
    child.once('exit', (code, signal) => resolve({ pid, how: signal ?? `exit code ${code}` }));
  });
  const stop = (): void => void child.kill('SIGTERM');
  run.signal.addEventListener('abort', stop, { once: true });
  await onStart(await findProcess(pid));
  if (run.signal.aborted) stop();
  return ended.finally(() => run.signal.removeEventListener('abort', stop));
}

/** Whether the worker wrote its record, which lies there after its end too. */
async function wasReady(pid: number, stateFolder: string, run: Run): Promise<boolean> {
  const bytes = await findFile(backgroundPaths(stateFolder).record, run);
  return bytes !== undefined && (JSON.parse(bytes.toString()) as ProcessMark).pid === pid;
}
