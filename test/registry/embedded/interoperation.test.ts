import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import {
  manifestAccept,
  openStorage,
  renderLayer,
  type Storage,
  writeImage,
  writeIndex,
} from '../../../src/oci/index.ts';
import { awaitHealthy, parseHtpasswd, renderHtpasswd } from '../../../src/registry/index.ts';
import { describeReal, sharedPath } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { makeCertificate } from '../certificate.ts';
import { freePort } from '../free-port.ts';
import { openKitchen } from '../kitchen.ts';
import { putImage } from '../put-image.ts';

const run = quietRun();
const exec = promisify(execFile);
const layer = renderLayer([{ path: 'recipe', content: 'simmer' }]);
const index = writeIndex(
  ['amd64', 'arm64', 's390x'].map((architecture) =>
    writeImage({
      platform: { os: 'linux', architecture },
      layers: [layer, renderLayer([{ path: architecture, content: '' }])],
    }),
  ),
);

/** Debian's registry on a storage tree; its address. */
async function startDistribution(root: string): Promise<string> {
  const port = await freePort();
  const config = path.join(await temporaryFolder(), 'config.yml');
  const storage = `storage: {filesystem: {rootdirectory: ${root}}, delete: {enabled: true}}`;
  await writeFile(config, `version: 0.1\nlog: {level: error}\n${storage}\nhttp: {addr: "127.0.0.1:${port}"}\n`);
  const child: ChildProcess = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  onTestFinished(() => void child.kill());
  await awaitHealthy({ host: '127.0.0.1', port }, 10_000, run);
  return `127.0.0.1:${port}`;
}

async function copy(from: string, to: string, ...more: string[]): Promise<void> {
  const plain = ['--src-tls-verify=false', '--dest-tls-verify=false'].filter(
    (flag) => !more.includes(flag.replace('false', 'true')),
  );
  await exec('skopeo', ['copy', '-q', '--all', '--preserve-digests', ...plain, ...more, from, to]);
}

async function inspectDigest(reference: string): Promise<string> {
  const { stdout } = await exec('skopeo', ['inspect', '--tls-verify=false', '--format', '{{.Digest}}', reference]);
  return stdout.trim();
}

async function content(storage: Storage): Promise<object[]> {
  const repositories = await storage.listRepositories(run);
  return Promise.all(
    repositories.map(async (name) => ({
      name,
      tags: await storage.listTags(name, run),
      revisions: await storage.listRevisions(name, run),
      layers: await storage.listLayers(name, run),
    })),
  );
}

describeReal('skopeo', ['skopeo', 'openssl'], () => {
  test('copies a multi-architecture image in and out with its digests', async () => {
    const [from, to] = [await openKitchen(), await openKitchen()];
    await putImage(from.storage, 'kitchen/soup', index, ['1']);
    await copy(`docker://${from.host}/kitchen/soup:1`, `docker://${to.host}/kitchen/soup:1`);
    expect(await to.storage.findTag('kitchen/soup', '1', run)).toBe(index.descriptor.digest);
    const [before, after] = [await content(from.storage), await content(to.storage)];
    expect(after).toEqual(before);
    await exec('skopeo', ['delete', '--tls-verify=false', `docker://${to.host}/kitchen/soup:1`]);
    expect(await to.storage.listTags('kitchen/soup', run)).toEqual([]);
  });

  test('logs in over TLS, and pulls without credentials where that is allowed', async () => {
    const folder = await temporaryFolder();
    const tls = makeCertificate(folder, ['localhost']);
    const certs = path.join(folder, 'certs');
    await mkdir(certs);
    await writeFile(path.join(certs, 'ca.crt'), tls.ca);
    const htpasswd = parseHtpasswd(await renderHtpasswd('cook', 'salt'));
    const from = await openKitchen();
    await putImage(from.storage, 'kitchen/soup', index, ['1']);
    const to = await openKitchen({ tls, htpasswd, anonymousPull: true });
    const trust = ['--dest-tls-verify=true', '--dest-cert-dir', certs];
    const target = `docker://${to.host}/kitchen/soup:1`;
    const source = `docker://${from.host}/kitchen/soup:1`;
    await expect(copy(source, target, ...trust)).rejects.toThrow(/unauthorized/);
    await expect(copy(source, target, ...trust, '--dest-creds', 'cook:pepper')).rejects.toThrow(/unauthorized/);
    await copy(source, target, ...trust, '--dest-creds', 'cook:salt');
    const pull = ['--src-tls-verify=true', '--src-cert-dir', certs, '--src-no-creds'];
    await copy(target, `oci:${path.join(folder, 'out')}:1`, ...pull);
  });
});

describeReal('distribution', ['docker-registry', 'skopeo'], () => {
  test('serves a storage that we wrote, sparse index children and deletes included', async () => {
    const storage = openStorage(await temporaryFolder());
    await putImage(storage, 'kitchen/soup', index, ['1', 'latest']);
    const host = await startDistribution(storage.root);
    const { digest } = index.descriptor;
    expect(await inspectDigest(`docker://${host}/kitchen/soup:1`)).toBe(digest);
    await copy(`docker://${host}/kitchen/soup:1`, `oci:${await temporaryFolder()}/out:1`);
    const answer = await fetch(`http://${host}/v2/kitchen/soup/manifests/${digest}`, { method: 'DELETE' });
    expect(answer.status).toBe(202);
    expect(await storage.hasRevision('kitchen/soup', digest, run)).toBe(false);
    expect(await storage.listTags('kitchen/soup', run)).toEqual([]);
  });

  test('and we hold the same content in the same tree after the same pushes', async () => {
    const source = await openKitchen();
    await putImage(source.storage, 'kitchen/soup', index, ['1']);
    const theirs = openStorage(await temporaryFolder());
    const host = await startDistribution(theirs.root);
    const ours = await openKitchen();
    for (const target of [host, ours.host])
      await copy(`docker://${source.host}/kitchen/soup:1`, `docker://${target}/kitchen/soup:1`);
    expect(await content(ours.storage)).toEqual(await content(theirs));
  });
});

async function listTags(url: string, repository: string): Promise<string[]> {
  const response = await fetch(`${url}/v2/${repository}/tags/list`);
  // 2.8 gives null for none, and whole lists unsorted.
  return (((await response.json()) as { tags: string[] | null }).tags ?? []).sort();
}

const golden = sharedPath('golden/source/registry-storage.tar.gz');

describe.skipIf(!golden)('a storage that distribution wrote (skipped where there is no shared reference data)', () => {
  test('is served with the same answers as distribution gives', async () => {
    const root = await temporaryFolder();
    await exec('tar', ['-xzf', golden ?? '', '-C', root]);
    const kitchen = await openKitchen({ store: openStorage(root), readOnly: true });
    const host = await startDistribution(root);
    const list = async (url: string): Promise<string[]> => {
      const { repositories } = (await (await fetch(`${url}/v2/_catalog?n=1000`)).json()) as { repositories: string[] };
      return repositories;
    };
    const repositories = await list(kitchen.url);
    expect(repositories.length).toBeGreaterThan(30);
    expect(repositories).toEqual(await list(`http://${host}`));
    for (const name of repositories) {
      const urls = [kitchen.url, `http://${host}`];
      const [ours = [], theirs = []] = await Promise.all(urls.map((url) => listTags(url, name)));
      expect([name, ours]).toEqual([name, theirs]);
      for (const tag of ours) {
        const path = `/v2/${name}/manifests/${tag}`;
        const accept = manifestAccept.join(', ');
        const [a, b] = await Promise.all(
          urls.map((url) => fetch(`${url}${path}`, { method: 'HEAD', headers: { accept } })),
        );
        for (const header of ['docker-content-digest', 'content-type', 'content-length'])
          expect([path, a?.headers.get(header)]).toEqual([path, b?.headers.get(header)]);
      }
    }
  });
});
