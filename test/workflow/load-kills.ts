import { spawn } from 'node:child_process';
import { cp, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { beforeAll, expect } from 'vitest';
import { cutParts } from '../../src/bundle/index.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import type { LoadRequest } from '../../src/workflow/load.ts';
import { buildSample, openOne } from '../bundle/build-sample.ts';
import { writeForeign } from '../bundle/foreign-sample.ts';
import { moduleFolder } from '../bundle/module-folder.ts';
import { makeSample } from '../bundle/sample.ts';
import { sourceSettings } from '../golden/run-case.ts';
import { createFaultyDisk } from '../helpers/faulty-disk.ts';
import { listTree } from '../helpers/tree.ts';
import type { Job } from './load-child.ts';

/** Each step costs a process: all of them in CI, every ninth elsewhere. */
export const stride = process.env['AIRLOCK_REQUIRE_REAL'] === '1' ? 1 : 9;

/** A bundle, the same on two media, and a process that loads it and is killed on the way. */
export interface LoadKills {
  /** The same bundle as one source, as two, or as the segments that real oc-mirror would make of its images. */
  sources(kind: 'bundle' | 'media' | 'segments'): readonly string[];
  /** Runs the loads to their end, or until they are killed; `onStart` gets what ends them from outside. */
  run(job: Job, onStart?: (kill: () => void) => void): Promise<{ readonly steps: number } | undefined>;
}

/** As in the child: at the same time always, without waiting for the real disk. What SIGKILL ends leaves the kernel's own pages alone. */
export function undisturbedRun(): Run {
  return quietRun({ disk: createFaultyDisk(), now: () => new Date('2026-11-21T10:00:00Z') });
}

/** For a whole suite: builds everything in `beforeAll`. */
export function useLoadKills(): LoadKills {
  const folder = moduleFolder();
  let script = '';
  const held = { bundle: [] as string[], media: [] as string[], segments: [] as string[] };

  beforeAll(async () => {
    script = path.join(folder(), 'child.cjs');
    await bundleChild(script);
    const files = [
      { path: 'airlock/coreos/live.iso', bytes: Buffer.alloc(3000, 7), webPath: '/rhcos/1/x86_64/live.iso' },
      { path: 'airlock/tools/oc', bytes: Buffer.from('#!/bin/sh\n'), role: 'tool' as const },
    ];
    const images = [{ repository: 'harbour/crane', tag: 'v1', layers: [['crane', 5000]] as const }];
    await buildSample(makeSample({ images, files }), path.join(folder(), 'out'));
    const bundle = path.join(folder(), 'out/gen-000001');
    held.bundle = [bundle];
    held.segments = [path.join(folder(), 'segments')];
    await writeForeign(path.join(bundle, 'mirror_000001.tar'), path.join(folder(), 'segments'), 2);
    const parts = path.join(folder(), 'parts');
    await cutParts(await openOne(bundle), { folder: parts, partSizeBytes: 4000 }, undisturbedRun());
    held.media = ['one', 'two'].map((name) => path.join(folder(), name));
    const names = await readdir(parts);
    for (const [index, medium] of held.media.entries()) {
      await mkdir(medium);
      const own = names.filter((name) => !name.includes('.part-') || Number(name.slice(-4)) % 2 === index);
      for (const name of own) await cp(path.join(parts, name), path.join(medium, name));
    }
  });

  return { sources: (kind) => held[kind], run: (job, onStart = () => {}) => runChild(script, job, onStart) };
}

async function bundleChild(script: string): Promise<void> {
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
}

function runChild(
  script: string,
  job: Job,
  onStart: (kill: () => void) => void,
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

/** A load of one source with everything that it places below `into`. */
export function requestOf(source: string, into: string, target: LoadRequest['target']): LoadRequest {
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

/** A tree without the record, which names the target's folder. */
export async function withoutPlace(into: string): Promise<Record<string, string>> {
  const tree = await listTree(into);
  return Object.fromEntries(Object.entries(tree).filter(([name]) => !name.endsWith('/load.json')));
}
