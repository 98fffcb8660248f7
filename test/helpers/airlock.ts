import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** How the built command line is run. */
export interface AirlockOptions {
  readonly cwd: string;
  /** Beside PATH and HOME, which is `cwd`: nothing of the machine's own settings, credentials or proxies is seen. AIRLOCK_TOOL is none. */
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs another one, put in front: a namespace, another user. */
  readonly via?: readonly string[];
  readonly timeoutMs?: number;
}

/** How a run ended, and all that it said. */
export interface Ending {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** A run that goes on. */
export interface RunningAirlock {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  /** Waits for text on either stream. Fails when the run ends without it. */
  said(pattern: RegExp): Promise<string>;
}

const root = path.resolve(import.meta.dirname, '../..');
const main = path.join(root, 'dist/cli/main.js');
let built: Promise<void> | undefined;

/** Runs the built tool to its end. */
export async function airlock(args: readonly string[], options: AirlockOptions): Promise<Ending> {
  return (await startAirlock(args, options)).ended;
}

/** Starts the built tool, built anew when it is older than its sources. */
export async function startAirlock(args: readonly string[], options: AirlockOptions): Promise<RunningAirlock> {
  built ??= buildOnce();
  await built;
  const [program = '', ...rest] = [...(options.via ?? []), process.execPath, main, ...args];
  const started = Date.now();
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: {
      PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
      HOME: options.cwd,
      AIRLOCK_TOOL: 'none',
      // No test may write units into the systemd of the host.
      AIRLOCK_SUPERVISOR: 'process',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr, over] = ['', '', false];
  const onText = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    for (const look of onText) look();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
    for (const look of onText) look();
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 120_000);
  const ended = new Promise<Ending>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer);
      over = true;
      for (const look of onText) look();
      resolve({ exitCode, signal, stdout, stderr, durationMs: Date.now() - started });
    });
  });
  const said = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(`${stdout}\n${stderr}`);
        if (!found && !over) return;
        onText.delete(look);
        if (found) resolve(found[0]);
        else reject(new Error(`airlock ended without saying ${pattern}:\n${stdout}\n${stderr}`));
      };
      onText.add(look);
      look();
    });
  return { child, ended, said };
}

/** The text of a run, for the message of an assertion that fails. */
export function tell({ exitCode, signal, stdout, stderr }: Ending): string {
  return `exit ${exitCode ?? signal}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`;
}

/** One test file builds, the others wait: a folder is the lock, since making one either succeeds or does not. */
async function buildOnce(): Promise<void> {
  const lock = path.join(root, 'node_modules/.airlock-build-lock');
  for (let tries = 0; ; tries += 1) {
    if (!(await isStale())) return;
    try {
      await mkdir(lock);
      break;
    } catch {
      // Whoever held it for two minutes is gone.
      if (tries > 600) await rm(lock, { recursive: true, force: true });
      await sleep(200);
    }
  }
  try {
    await promisify(execFile)(process.execPath, ['scripts/build.mjs'], { cwd: root });
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function isStale(): Promise<boolean> {
  const made = await stat(main).catch(() => undefined);
  if (!made) return true;
  const names = await readdir(path.join(root, 'src'), { recursive: true });
  const sources = [
    ...names.filter((name) => name.endsWith('.ts')).map((name) => path.join('src', name)),
    'package.json',
  ];
  const changed = await Promise.all(sources.map(async (name) => (await stat(path.join(root, name))).mtimeMs));
  return Math.max(...changed) > made.mtimeMs;
}
