import { readFile, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningAirlock, startAirlock } from '../helpers/airlock.ts';
import { useJourney } from '../helpers/journey.ts';
import { writeImageSet } from '../helpers/journey-source.ts';

const journey = useJourney();
const { at, json } = journey;
let registry: RunningAirlock;
let host: string;

beforeAll(async () => {
  await writeImageSet(at('imageset.yaml'), {});
  registry = await startAirlock(
    ['registry', 'serve', '--storage', 'registry', '--listen', '127.0.0.1:0'],
    journey.options,
  );
  host = /http:\/\/(\S+?)\/?\s/.exec(await registry.said(/http:\/\/\S+\s/))?.[1] ?? '';
});

afterAll(async () => {
  registry?.child.kill();
  await registry?.ended;
});

describe('a load into a registry over HTTP', () => {
  test('puts RHCOS files and tools on this host beside, once, and brings back what was lost', async () => {
    const flags = ['-c', 'imageset.yaml', ...journey.source.flags, '--rhcos=amd64', '--tools', 'oc', 'out'];
    await json(0, 'build', ...flags);
    const files = ['--web-dir', 'web', '--tools-dir', 'tools', '--state-dir', 'state', '--dest-tls-verify=false'];
    const load = () => json(0, 'load', 'out', `docker://${host}/site`, ...files);
    const first = (await load()) as { state: string; placed: { files: number } };
    expect(first).toMatchObject({ state: 'loaded', copied: { failures: [] }, placed: { absent: 0, missing: [] } });
    expect(await readFile(at('tools/SHA256SUMS'), 'utf8')).toMatch(/^[0-9a-f]{64} {2}oc\n$/);
    const index = JSON.parse(await readFile(at('out/gen-000001/index.json'), 'utf8')) as {
      files: { webPath?: string; size: number }[];
    };
    const web = index.files.flatMap((file) => (file.webPath === undefined ? [] : [file.webPath]));
    expect(web.length).toBeGreaterThan(0);
    expect(first.placed.files).toBe(web.length + 1);
    for (const file of web) await readFile(at('web', file));
    const record = JSON.parse(await readFile(at('state/generations/000001/load.json'), 'utf8')) as unknown;
    expect(record).toMatchObject({ target: `docker://${host}/site`, webRoot: at('web'), toolsDir: at('tools') });

    expect(await load()).toMatchObject({ state: 'nothing-new', placed: { files: 0 } });
    await rm(at('web', web[0] ?? ''));
    expect(await load()).toMatchObject({ state: 'loaded', placed: { files: 1 }, copied: { pushedBlobs: 0 } });
  });

  test('without folders for them leaves them in the bundle', async () => {
    expect(await json(0, 'load', 'out', `docker://${host}/other`, '--dest-tls-verify=false')).toMatchObject({
      state: 'loaded',
      placed: { files: 0, absent: 0 },
    });
  });
});
