import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startAirlock } from '../helpers/airlock.ts';
import { useJourney } from '../helpers/journey.ts';
import { largeImage, writeImageSet } from '../helpers/journey-source.ts';
import { describeReal, describeShared, findProgram } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const exec = promisify(execFile);
const journey = useJourney([largeImage('oven', 300_000, 3), largeImage('range', 100_000, 2)]);
const { at, json } = journey;

beforeAll(async () => {
  const oven = 'registry.example.com/kitchen/oven:1.0';
  const build = (...flags: string[]) => json(0, 'build', '-c', 'set.yaml', ...journey.source.flags, ...flags, 'out');
  await writeImageSet(at('set.yaml'), { images: [oven] });
  await build('--part-size', '200000');
  await writeImageSet(at('set.yaml'), { images: [oven, 'registry.example.com/kitchen/range:1.0'] });
  await build();
});

/** Serves a bundle until the test ends; gives the host, and what was warned of. */
async function serve(...args: string[]): Promise<{ readonly host: string; readonly url: string }> {
  const server = await startAirlock(
    ['registry', 'serve', '--listen', '127.0.0.1:0', '--bundle', ...args],
    journey.options,
  );
  onTestFinished(async () => {
    server.child.kill();
    await server.ended;
  });
  const url = /http:\/\/\S+/.exec(await server.said(/http:\/\/\S+\s/))?.[0] ?? '';
  return { host: new URL(url).host, url: url.replace(/\/$/, '') };
}

interface Index {
  readonly images: readonly {
    readonly digest: string;
    readonly targets: readonly { readonly repository: string; readonly tag: string }[];
  }[];
}

/** Every name of a bundle, and what it has to mean. */
async function namesOf(folder: string): Promise<Map<string, string>> {
  const { images } = JSON.parse(await readFile(path.join(folder, 'index.json'), 'utf8')) as { images: Index['images'] };
  return new Map(
    images.flatMap(({ digest, targets }) => targets.map(({ repository, tag }) => [`${repository}:${tag}`, digest])),
  );
}

async function digestAt(url: string, name: string): Promise<string | null> {
  const [repository, tag] = name.split(':');
  const response = await fetch(`${url}/v2/${repository}/manifests/${tag}`, { method: 'HEAD' });
  return response.headers.get('docker-content-digest');
}

describeReal('a bundle that is served in place', ['skopeo'], () => {
  /** Pulls every image whole, every instance of it, as any client does: skopeo checks each digest. */
  async function pullAll(host: string, names: Iterable<string>): Promise<void> {
    for (const name of names) {
      const into = path.join(await temporaryFolder(), 'image');
      await exec('skopeo', [
        'copy',
        '-q',
        '--all',
        '--src-tls-verify=false',
        `docker://${host}/${name}`,
        `dir:${into}`,
      ]);
    }
  }

  test('may be a chain: everything of all generations is there, under the names of the newest', async () => {
    const { host, url } = await serve('out');
    const names = new Map([...(await namesOf(at('out/gen-000001'))), ...(await namesOf(at('out/gen-000002')))]);
    for (const [name, digest] of names) expect(await digestAt(url, name), name).toBe(digest);
    await pullAll(
      host,
      [...names.keys()].filter((name) => /kitchen|release-images/.test(name)),
    );
  }, 360_000);

  test('may be parts, on one medium or on several side by side', async () => {
    const parts = at('out/gen-000001/parts');
    const media = [at('one'), at('two')];
    for (const [index, medium] of media.entries()) {
      await mkdir(medium);
      for (const name of await readdir(parts))
        if (!name.includes('.part-') || Number(name.slice(-4)) % 2 === index)
          await cp(path.join(parts, name), path.join(medium, name));
    }
    const together = await serve(media[0] ?? '', '--media', media[1] ?? '');
    const names = await namesOf(at('out/gen-000001'));
    for (const [name, digest] of names) expect(await digestAt(together.url, name), name).toBe(digest);
    await pullAll(together.host, ['kitchen/oven:1.0']);
    // What is divided between media cannot be had from one of them, and is not shown.
    const alone = await serve(media[1] ?? '');
    expect(await digestAt(alone.url, 'kitchen/oven:1.0')).toBeNull();
  }, 240_000);

  test('takes nothing: no upload, no manifest, no deletion', async () => {
    const { url } = await serve('out/gen-000001');
    const digest = await digestAt(url, 'kitchen/oven:1.0');
    for (const [method, place] of [
      ['POST', '/v2/kitchen/oven/blobs/uploads/'],
      ['PUT', '/v2/kitchen/oven/manifests/2.0'],
      ['DELETE', `/v2/kitchen/oven/manifests/${digest}`],
      ['DELETE', '/v2/kitchen/oven/manifests/1.0'],
    ] as const) {
      const response = await fetch(`${url}${place}`, { method, ...(method === 'PUT' ? { body: '{}' } : {}) });
      expect(response.status, `${method} ${place}`).toBe(405);
      expect(await response.json()).toMatchObject({ errors: [{ code: 'UNSUPPORTED' }] });
    }
    expect(await digestAt(url, 'kitchen/oven:1.0')).toBe(digest);
  });
});

describe.skipIf(findProgram('oci-conformance') === undefined)('the conformance suite against a bundle', () => {
  test('passes in all that reads', async () => {
    const { host, url } = await serve('out');
    const digest = (await digestAt(url, 'kitchen/oven:1.0')) ?? '';
    const manifest = (await (await fetch(`${url}/v2/kitchen/oven/manifests/${digest}`)).json()) as {
      readonly layers: readonly { readonly digest: string }[];
    };
    const results = await temporaryFolder();
    const off = ['PUSH', 'BLOBS_DELETE', 'MANIFESTS_DELETE', 'TAGS_DELETE', 'BLOBS_UPLOAD_CANCEL'];
    const env = {
      PATH: process.env['PATH'] ?? '',
      OCI_RESULTS_DIR: results,
      OCI_REGISTRY: host,
      OCI_TLS: 'disabled',
      OCI_REPO1: 'kitchen/oven',
      OCI_RO_DATA_TAGS: '1.0',
      OCI_RO_DATA_MANIFESTS: digest,
      OCI_RO_DATA_BLOBS: manifest.layers.map((layer) => layer.digest).join(' '),
      ...Object.fromEntries(off.map((name) => [`OCI_API_${name}`, 'false'])),
    };
    // Where nothing may be pushed the suite of 2026-08-31 breaks down while it writes its report: what it printed before counts.
    const { stdout } = await exec('oci-conformance', [], { cwd: results, env, maxBuffer: 1 << 26 }).catch(
      (error: { readonly stdout: string }) => error,
    );
    const cases = [...stdout.matchAll(/^ *OCI Conformance Test\/(.*): (\w+)$/gm)];
    expect(cases.filter(([, , result]) => result !== 'Pass' && result !== 'Disabled').map(([line]) => line)).toEqual(
      [],
    );
    expect(cases.filter(([, , result]) => result === 'Pass').length).toBeGreaterThan(10);
  }, 240_000);
});

describeShared('an archive of real oc-mirror', 'golden/cases/01-additional', (golden) => {
  test('is served in place, under the names that it gets at a target', async () => {
    const folder = await temporaryFolder();
    await copyFile(path.join(golden, '1-m2d/01.tar'), path.join(folder, 'mirror_000001.tar'));
    const { url } = await serve(folder);
    const rows = (await readFile(path.join(golden, '2-d2m/registry.tsv'), 'utf8')).trim().split('\n').slice(1);
    const tagged = rows.map((row) => row.split('\t')).filter(([, tag]) => tag !== '-');
    expect(tagged.length).toBeGreaterThan(3);
    for (const [repository, tag, digest] of tagged)
      expect(await digestAt(url, `${repository}:${tag}`), `${repository}:${tag}`).toBe(digest);
  });
});
