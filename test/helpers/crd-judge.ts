import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { findProgram, sharedPath } from './real.ts';

const sources = path.resolve(import.meta.dirname, 'crd-judge');

/** Says what a current API server would find wrong with an object: schema, unknown fields, lists and CEL rules; [] for nothing. */
export interface Judge {
  ask(object: unknown, old?: unknown): Promise<readonly string[]>;
  stop(): void;
}

/** What is missing to build the judge; undefined when all is there. */
export function missingForJudge(): string | undefined {
  if (!sharedPath('crds')) return 'no CRDs beside this checkout';
  return findGo() ? undefined : 'install Go 1.24 or newer';
}

/** A Go that the server's packages can be built with; Debian's own may be too old. */
function findGo(): string | undefined {
  const found = [findProgram('go'), '/usr/local/go/bin/go'].filter((one) => one !== undefined && existsSync(one));
  return found.find((go) => {
    const [, major = 0, minor = 0] =
      /go(\d+)\.(\d+)/.exec(execFileSync(go ?? '', ['env', 'GOVERSION'], { encoding: 'utf8' }))?.map(Number) ?? [];
    return major > 1 || minor >= 24;
  });
}

/** Builds the judge once per machine (about a minute of one core, cached by its sources) and starts it over ../shared/crds. */
export function startJudge(): Judge {
  const crds = sharedPath('crds') ?? '';
  const files = readdirSync(crds)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => path.join(crds, name));
  const child = spawn(build(), files, { stdio: ['pipe', 'pipe', 'inherit'] });
  return { ask: asker(child), stop: () => child.kill() };
}

function build(): string {
  const hash = createHash('sha256');
  for (const name of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(path.join(sources, name)));
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache');
  const folder = path.join(cache, 'airlock-crd-judge');
  const binary = path.join(folder, hash.digest('hex').slice(0, 16));
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  const fresh = `${binary}.${process.pid}`;
  execFileSync(findGo() ?? '', ['build', '-o', fresh, '.'], { cwd: sources, stdio: ['ignore', 'inherit', 'inherit'] });
  renameSync(fresh, binary);
  return binary;
}

/** One line is asked and one answered at a time. */
function asker(child: ChildProcess): Judge['ask'] {
  const waiting: ((line: string) => void)[] = [];
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  lines.on('line', (line) => waiting.shift()?.(line));
  return (object, old) =>
    new Promise((resolve) => {
      waiting.push((line) => resolve(JSON.parse(line) as string[]));
      child.stdin?.write(`${JSON.stringify({ object, ...(old === undefined ? {} : { old }) })}\n`);
    });
}
