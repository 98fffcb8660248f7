import { spawn } from 'node:child_process';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import http, { type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { cutParts } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { type LoadRequest, load } from '../../src/workflow/load.ts';
import { buildSample, openOne } from '../bundle/build-sample.ts';
import { moduleFolder } from '../bundle/module-folder.ts';
import { makeSample } from '../bundle/sample.ts';
import { sourceSettings } from '../golden/run-case.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { listTree } from '../helpers/tree.ts';
import type { Job } from './load-child.ts';

// As in the child: records say when, at the same time always.
const run = quietRun({ now: () => new Date('2026-11-21T10:00:00Z') });
/** Each step costs a process: all of the shorter load in CI, every third of the longer one, and elsewhere a ninth of that. */
const stride = process.env['AIRLOCK_REQUIRE_REAL'] === '1' ? 1 : 9;
const folder = moduleFolder();
let script = '';
let bundle = '';
let media: string[] = [];

beforeAll(async () => {
  script = path.join(folder(), 'child.cjs');
  await build({
    entryPoints: [path.join(import.meta.dirname, 'load-child.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'error',
    // Of libraries that a load does not use.
    loader: { '.node': 'empty' },
    define: { 'import.meta.url': '"file:///"' },
  });
  const files = [
    { path: 'airlock/coreos/live.iso', bytes: Buffer.alloc(3000, 7), webPath: '/rhcos/1/x86_64/live.iso' },
    { path: 'airlock/tools/oc', bytes: Buffer.from('#!/bin/sh\n'), role: 'tool' as const },
  ];
  const images = [{ repository: 'harbour/crane', tag: 'v1', layers: [['crane', 5000]] as const }];
  await buildSample(makeSample({ images, files }), path.join(folder(), 'out'));
  bundle = path.join(folder(), 'out/gen-000001');
  const parts = path.join(folder(), 'parts');
  await cutParts(await openOne(bundle), parts, 4000, undefined, run);
  media = ['one', 'two'].map((name) => path.join(folder(), name));
  const names = await readdir(parts);
  for (const [index, medium] of media.entries()) {
    await mkdir(medium);
    const own = names.filter((name) => !name.includes('.part-') || Number(name.slice(-4)) % 2 === index);
    for (const name of own) await cp(path.join(parts, name), path.join(medium, name));
  }
});

/** Runs the child to its end, or until it is killed; `kill` ends it from outside. */
function runChild(
  job: Job,
  onStart: (kill: () => void) => void = () => {},
): Promise<{ readonly steps: number } | undefined> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [said, wrong] = ['', ''];
    child.stdout.on('data', (text: Buffer) => {
      said += text.toString();
    });
    child.stderr.on('data', (text: Buffer) => {
      wrong += text.toString();
    });
    onStart(() => child.kill('SIGKILL'));
    child.on('close', (code, signal) => {
      expect(code === 0 || signal === 'SIGKILL', wrong).toBe(true);
      resolve(code === 0 ? (JSON.parse(said) as { steps: number }) : undefined);
    });
  });
}

function requestOf(source: string, into: string, target: LoadRequest['target']): LoadRequest {
  return {
    bundle: source,
    target,
    outputFolder: path.join(into, 'resources'),
    webFolder: path.join(into, 'web'),
    toolsFolder: path.join(into, 'tools'),
    stateFolder: path.join(into, 'state'),
    source: sourceSettings({}, into),
    targetSettings: { tlsVerify: false },
  };
}

describe('kill -9 of a load into storage', () => {
  test.each([
    ['of a whole bundle', () => [bundle], stride],
    ['of a bundle that comes on two media', () => media, 3 * stride],
  ])(
    '%s at each of its steps, then a re-run, leaves what an undisturbed load leaves',
    async (_, sources, every) => {
      const loads = (into: string) =>
        sources().map((one) => requestOf(one, into, { kind: 'storage', folder: path.join(into, 'storage') }));
      const undisturbed = await temporaryFolder();
      const whole = await runChild({ loads: loads(undisturbed), dieAt: 0 });
      const wanted = await withoutPlace(undisturbed);
      expect(whole?.steps).toBeGreaterThan(50);
      for (let dieAt = 1; dieAt <= (whole?.steps ?? 0); dieAt += every) {
        const into = await temporaryFolder();
        expect(await runChild({ loads: loads(into), dieAt }), `step ${dieAt}`).toBeUndefined();
        for (const request of loads(into)) await load(request, run);
        expect(await withoutPlace(into), `killed at step ${dieAt}`).toEqual(wanted);
        await rm(into, { recursive: true });
      }
    },
    900_000,
  );
});

/** A tree without the record, which names the target's folder. */
async function withoutPlace(into: string): Promise<Record<string, string>> {
  const tree = await listTree(into);
  return Object.fromEntries(Object.entries(tree).filter(([name]) => !name.endsWith('/load.json')));
}

/** Passes requests on; at the one with that number it kills whoever asks, before the registry hears of it or before the answer comes back. */
async function startDeadlyProxy(host: string): Promise<Proxy> {
  let [seen, dieAt, answers] = [0, 0, false];
  let kill = (): void => {};
  const [hostname, port] = host.split(':');
  const server: Server = http.createServer((request, response) => {
    seen += 1;
    const isLast = seen === dieAt;
    if (isLast && !answers) {
      kill();
      request.socket.destroy();
      return;
    }
    const { method, headers, url } = request;
    const onward = http.request({ hostname, port, method, headers, path: url }, (answer) => {
      if (isLast) kill();
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: () => seen,
    arm(at, before, victim) {
      [seen, dieAt, answers, kill] = [0, at, !before, victim];
    },
  };
}

interface Proxy {
  readonly host: string;
  readonly seen: () => number;
  arm(at: number, before: boolean, victim: () => void): void;
}

describeReal('kill -9 of a load into a registry over HTTP', ['docker-registry'], () => {
  test.each([
    ['of a whole bundle', () => [bundle], stride],
    ['of a bundle that comes on two media', () => media, 3 * stride],
  ])(
    '%s at each request and each step on the disk, then a re-run, leaves what an undisturbed load leaves',
    async (_, sources, every) => {
      const { host, storage } = await startDockerRegistry();
      const proxy = await startDeadlyProxy(host);
      const target = { kind: 'registry', registry: proxy.host, prefix: 'site' } as const;
      const loads = (into: string) => sources().map((one) => requestOf(one, into, target));
      const stored = async (into: string): Promise<Record<string, string>> => {
        const tree = { ...(await withoutPlace(into)), ...(await listTree(path.join(storage, 'docker'))) };
        return Object.fromEntries(Object.entries(tree).filter(([name]) => !name.includes('/_uploads/')));
      };
      /** Starts with a registry that has nothing. */
      const begin = async (): Promise<string> => {
        await rm(path.join(storage, 'docker'), { recursive: true, force: true });
        proxy.arm(0, true, () => {});
        return temporaryFolder();
      };
      const undisturbed = await begin();
      const whole = await runChild({ loads: loads(undisturbed), dieAt: 0 });
      const wanted = await stored(undisturbed);
      const [requests, steps] = [proxy.seen(), whole?.steps ?? 0];
      expect(requests).toBeGreaterThan(5);
      expect(steps).toBeGreaterThan(10);
      const deaths = [
        ...Array.from({ length: requests }, (_, at) => ({ request: at + 1, before: true, step: 0 })),
        ...Array.from({ length: requests }, (_, at) => ({ request: at + 1, before: false, step: 0 })),
        ...Array.from({ length: steps }, (_, at) => ({ request: 0, before: true, step: at + 1 })),
      ];
      for (const { request, before, step } of deaths.filter((_, at) => at % every === 0)) {
        const into = await begin();
        const words = step > 0 ? `killed at step ${step}` : `killed ${before ? 'before' : 'after'} request ${request}`;
        await runChild({ loads: loads(into), dieAt: step }, (kill) => proxy.arm(request, before, kill));
        proxy.arm(0, true, () => {});
        for (const request of loads(into)) await load(request, run);
        expect(await stored(into), words).toEqual(wanted);
        await rm(into, { recursive: true });
      }
    },
    900_000,
  );
});
