import { execFileSync } from 'node:child_process';
import { cp, open, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { locateMember, openBundle } from '../../src/bundle/index.ts';
import { type LoadTarget, load, type MirrorResult, type SourceSettings } from '../../src/workflow/index.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { describeReal, describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { comparable, goldenFile, goldenMirrors, goldenRegistry } from './expected.ts';
import { type GoldenSource, startGoldenSource } from './golden-source.ts';
import { buildCase, hastyRun, listStorage, mirrorRules, readResources, sourceSettings } from './run-case.ts';

describeReal('load', ['docker-registry', 'python3'], () => {
  describeShared('golden cases', 'golden/cases', () => {
    let source: GoldenSource;
    beforeAll(async () => {
      source = await startGoldenSource();
    });
    afterAll(() => source?.close());

    async function bundleOf(name: string): Promise<MirrorResult> {
      const folder = path.join(await temporaryFolder(), 'work');
      const built = await buildCase(name, folder, { env: source.env, chartsUrl: source.chartsUrl });
      expect(built).toMatchObject({ state: 'complete' });
      return built;
    }

    async function loadInto(
      bundle: string,
      target: LoadTarget,
      settings: Partial<SourceSettings & { readonly removeSignatures: boolean }> = {},
    ) {
      const folder = await temporaryFolder();
      return load(
        {
          bundle,
          target,
          removeSignatures: settings.removeSignatures,
          outputFolder: path.join(folder, 'cluster-resources'),
          source: { ...sourceSettings({}, folder), ...settings },
          targetSettings: { tlsVerify: false, authFile: settings.authFile },
        },
        hastyRun(),
      );
    }

    const toRegistry = (registry: string, prefix = '', maxNestedPaths = 0): LoadTarget => {
      return { kind: 'registry', registry, prefix, maxNestedPaths };
    };
    /** Without what other digests or names have by design: rebuilt catalogs, the graph, and a bundle image that oc-mirror leaves out. */
    const plain = (rows: readonly string[]): string[] =>
      comparable(rows).filter(
        (row) => !/(?:operator-index|community-index|graph-image|mu-operator-bundle)\t/.test(row),
      );

    test('10d-d2m-prefix-nested gives names below a prefix, and joined ones, as oc-mirror does', async () => {
      const name = '10d-d2m-prefix-nested';
      const { folder } = await bundleOf(name);
      for (const [step, prefix, nested, golden] of [
        ['2-d2m', 'some/prefix', 0, 'localhost:5611'],
        ['3-d2m-nested-2', '', 2, 'mirror.airgap.example:5610'],
      ] as const) {
        const registry = await startDockerRegistry();
        const loaded = await loadInto(folder, toRegistry(registry.host, prefix, nested));
        expect(loaded).toMatchObject({ state: 'loaded', copied: { failures: [] } });
        expect(plain(await listStorage(registry.storage))).toEqual(plain(goldenRegistry(name, step) ?? []));
        const rules = mirrorRules(readResources(loaded.clusterResources)).filter(
          (rule) => !/mu-operator-bundle/.test(rule),
        );
        expect(rules.map((rule) => rule.replaceAll(registry.host, golden))).toEqual(goldenMirrors(name, step));
        expect(await loadInto(folder, toRegistry(registry.host, prefix, nested))).toMatchObject({
          state: 'nothing-new',
        });
      }
    });

    test('13g-target-readonly, 13l-d2m-target-down: each image is missing with its cause, or the load ends with the address', async () => {
      const { folder } = await bundleOf('13g-target-readonly');
      const server = http.createServer((request, response) => {
        const isRead = request.method === 'GET' || request.method === 'HEAD';
        response.writeHead(isRead && request.url === '/v2/' ? 200 : isRead ? 404 : 405).end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const closed = () => new Promise((resolve) => void server.close(resolve).closeAllConnections());
      onTestFinished(closed as () => Promise<void>);
      const refused = await loadInto(folder, toRegistry(host));
      expect(refused.state).toBe('partial');
      expect(refused.copied?.failures[0]?.cause).toMatch(/405/);
      await closed();
      await expect(loadInto(folder, toRegistry(host))).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    });

    test.each([
      ['01-additional', ['1-m2d/01.tar'], '2-d2m'],
      ['02a-release-minmax', ['1-m2d/02a.tar'], '2-d2m'],
      ['05a-op-package-only', ['1-m2d/05a.tar'], '3-d2m'],
      ['08-incremental', ['1-m2d-build1/08-build1.tar', '2-m2d-build2/08-build2.tar'], '4-d2m-build2'],
    ])(
      '%s: archives of the real tool fill a real registry over HTTP as the tool itself does',
      async (name, tars, step) => {
        const registry = await startDockerRegistry();
        for (const tar of tars) {
          const folder = await temporaryFolder();
          await cp(goldenFile(name, '', tar) ?? '', path.join(folder, 'mirror_000001.tar'));
          expect(await loadInto(folder, toRegistry(registry.host))).toMatchObject({ state: 'loaded' });
        }
        expect(await listStorage(registry.storage)).toEqual(goldenRegistry(name, step));
      },
    );

    test('07c-sparse: a registry that wants every platform refuses some; the cluster resources are those of the rest', async () => {
      const { folder } = await bundleOf('07c-sparse');
      const registry = await startDockerRegistry();
      const loaded = await loadInto(folder, toRegistry(registry.host));
      expect(loaded.state).toBe('partial');
      const rows = await listStorage(registry.storage);
      expect(
        rows.filter((row) => !row.includes('\t-\t') && !row.includes('.sig')).map((row) => row.split('\t')[0]),
      ).toEqual(['acme/widgets']);
      expect(mirrorRules(readResources(loaded.clusterResources))).toEqual([
        `itms-generic-0 registry.example.com/acme -> ${registry.host}/acme`,
      ]);
      const { folder: none } = await bundleOf('07d-sparse-strict-target');
      const other = await startDockerRegistry();
      expect(await loadInto(none, toRegistry(other.host))).toMatchObject({ state: 'partial', clusterResources: [] });
    });

    test('07a-remove-sigs: what real oc-mirror archived with signatures is loaded without them, and a storage folder takes them all', async () => {
      const folder = await temporaryFolder();
      await cp(goldenFile('01-additional', '', '1-m2d/01.tar') ?? '', path.join(folder, 'mirror_000001.tar'));
      const registry = await startDockerRegistry();
      const removed = { removeSignatures: true };
      expect(await loadInto(folder, toRegistry(registry.host), removed)).toMatchObject({ state: 'loaded' });
      expect(await listStorage(registry.storage)).toEqual(goldenRegistry('07a-remove-sigs', '2-d2m'));
      const own = await bundleOf('12b-del-signed');
      expect(await loadInto(own.folder, toRegistry(registry.host, 'own'), removed)).toMatchObject({ state: 'loaded' });
      const rows = await listStorage(registry.storage);
      expect(rows.filter((row) => row.startsWith('own/acme/gadgets\t'))).toHaveLength(1);
      expect(rows.filter((row) => row.startsWith('own/') && row.includes('.sig'))).toEqual([]);
      const storage = { kind: 'storage', folder: path.join(folder, 'storage') } as const;
      await expect(loadInto(own.folder, storage, removed)).rejects.toMatchObject({ code: 'USAGE' });
    });

    test('13h-damaged-archive: a flipped byte, a member left out, a cut and an empty volume, and no volume at all, load nothing and say why', async () => {
      const { folder } = await bundleOf('13h-damaged-archive');
      const [bundle] = await openBundle(folder, hastyRun());
      const layer = bundle?.index.blobs.filter((blob) => blob.kind === 'layer').sort((a, b) => b.size - a.size)[0];
      if (!bundle || !layer) throw new Error('the case has no layer');
      const damages: readonly [string, (volume: string) => Promise<void>, RegExp][] = [
        ['flip', (volume) => flip(volume, locateMember(bundle, layer).offset), /DAMAGED/],
        [
          'cut',
          async (volume) => truncate(volume, Math.floor((await stat(volume)).size / 2)),
          /DAMAGED|INCOMPLETE|INVALID/,
        ],
        ['drop', (volume) => dropMember(volume, layer.digest), /DAMAGED|INCOMPLETE|INVALID/],
        ['zero', (volume) => writeFile(volume, ''), /DAMAGED|NOT_FOUND|INVALID|INCOMPLETE/],
      ];
      for (const [word, damage, code] of damages) {
        const copy = path.join(await temporaryFolder(), word);
        await cp(folder, copy, { recursive: true });
        const volume = (await readdir(copy)).find((one) => /^mirror_\d{6}\.tar$/.test(one)) ?? '';
        await damage(path.join(copy, volume));
        const storage = path.join(await temporaryFolder(), 'storage');
        const outcome = await loadInto(copy, { kind: 'storage', folder: storage }).catch((error: unknown) => error);
        expect(outcome, word).toMatchObject({ code: expect.stringMatching(code) });
      }
      const none = await temporaryFolder();
      await expect(loadInto(none, { kind: 'storage', folder: path.join(none, 'storage') })).rejects.toMatchObject({
        code: 'BUNDLE_NOT_FOUND',
      });
    });

    test('17-auth: without credentials and with bad ones the load ends, with good ones in a file or REGISTRY_AUTH_FILE it goes on (D32)', async () => {
      const { folder } = await bundleOf('17-auth');
      const registry = await startDockerRegistry({ user: { name: 'acme', password: 'example' } });
      const files = await temporaryFolder();
      const authFile = async (password: string): Promise<string> => {
        const file = path.join(files, `${password}.json`);
        const auth = Buffer.from(`acme:${password}`).toString('base64');
        await writeFile(file, JSON.stringify({ auths: { [registry.host]: { auth } } }));
        return file;
      };
      const target = toRegistry(registry.host);
      await expect(loadInto(folder, target)).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
      const bad = { authFile: await authFile('wrong') };
      await expect(loadInto(folder, target, bad)).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
      const good = await authFile('example');
      expect(await loadInto(folder, target, { authFile: good })).toMatchObject({ state: 'loaded' });
      expect(plain(await listStorage(registry.storage))).toEqual(plain(goldenRegistry('17-auth', '4-d2m-good') ?? []));
      expect(await loadInto(folder, target, { env: { REGISTRY_AUTH_FILE: good } })).toMatchObject({
        state: 'nothing-new',
      });
    });
  });
});

/** Takes a blob's member out of a tar. */
async function dropMember(volume: string, digest: string): Promise<void> {
  const hex = digest.slice(7);
  execFileSync('tar', ['--delete', '-f', volume, `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`]);
}

/** Inverts one byte. */
async function flip(file: string, offset: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, offset);
    await handle.write(Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, offset);
  } finally {
    await handle.close();
  }
}
