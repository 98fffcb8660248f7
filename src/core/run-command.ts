import { spawn } from 'node:child_process';
import { AirlockError, errorText } from './errors.ts';
import type { Run } from './run.ts';

/** How a child process ended. Output is text, the last `keepBytes` of each stream. */
export interface CommandResult {
  readonly command: string;
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly durationMs: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  /** Replaces the whole environment. */
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Uint8Array;
  /** Called per line of either stream, without its newline. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** How much of each stream is kept; default 1 MiB. */
  readonly keepBytes?: number;
}

/**
 * Runs a program with an argument array, never through a shell, and returns how it ended, whatever the exit code. An aborted run sends
 * SIGTERM and, after two seconds, SIGKILL.
 * @throws AirlockError COMMAND_NOT_FOUND, CANCELLED
 */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
  run: Run,
): Promise<CommandResult> {
  const started = performance.now();
  const keep = options.keepBytes ?? 1 << 20;
  return new Promise((resolve, reject) => {
    if (run.signal.aborted) return reject(run.signal.reason);
    const child = spawn(program, args, { cwd: options.cwd, env: options.env, stdio: ['pipe', 'pipe', 'pipe'] });
    const kept = { stdout: '', stderr: '' };
    const rest = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        kept[name] = (kept[name] + text).slice(-keep);
        if (!options.onLine) return;
        const lines = (rest[name] + text).split('\n');
        rest[name] = lines.pop() ?? '';
        for (const line of lines) options.onLine(line, name);
      });
    }
    let killer: NodeJS.Timeout | undefined;
    const abort = (): void => {
      child.kill('SIGTERM');
      killer = setTimeout(() => child.kill('SIGKILL'), 2000).unref();
    };
    run.signal.addEventListener('abort', abort, { once: true });
    const settle = (): void => {
      clearTimeout(killer);
      run.signal.removeEventListener('abort', abort);
    };
    child.on('error', (error) => {
      settle();
      const missing = 'code' in error && error.code === 'ENOENT';
      reject(
        new AirlockError(
          missing ? 'COMMAND_NOT_FOUND' : 'COMMAND_FAILED',
          `cannot run ${program}: ${missing ? 'not found' : errorText(error)}`,
          { cause: error },
        ),
      );
    });
    child.on('close', (exitCode, signal) => {
      settle();
      if (run.signal.aborted) return reject(run.signal.reason);
      for (const name of ['stdout', 'stderr'] as const)
        if (rest[name] && options.onLine) options.onLine(rest[name], name);
      resolve({
        command: [program, ...args].join(' '),
        exitCode: exitCode ?? undefined,
        signal: signal ?? undefined,
        durationMs: performance.now() - started,
        ...kept,
      });
    });
    // The child may end without reading its input; that is its business.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
  });
}
