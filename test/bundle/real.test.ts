import { execFile, spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { loadIntoStorage, openBundleStore } from '../../src/bundle/index.ts';
import { isAirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { describeReal, describeRoot, findProgram } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { buildSample, openOne } from './build-sample.ts';
import { makeSample } from './sample.ts';

const run = quietRun();
const exec = promisify(execFile);

/** Debian's registry on a storage folder; its port. */
async function serve(folder: string): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await new Promise((resolve) => server.close(resolve));
  const config = path.join(folder, 'registry.yml');
  const storage = `{filesystem: {rootdirectory: ${folder}}}`;
  await writeFile(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: ${storage}\nhttp: {addr: "127.0.0.1:${port}"}\n`,
  );
  const child = spawn(findProgram('docker-registry') ?? '', ['serve', config], { stdio: 'ignore', env: {} });
  onTestFinished(() => void child.kill());
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const up = await fetch(`http://127.0.0.1:${port}/v2/`).then(
      () => true,
      () => false,
    );
    if (up) return port;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the registry did not start');
}

async function pullAll(port: number, sample: ReturnType<typeof makeSample>, folder: string): Promise<void> {
  await mkdir(folder);
  for (const image of sample.plan.images) {
    const from = `docker://127.0.0.1:${port}/${image.repository}:${image.tag}`;
    const { stdout } = await exec('skopeo', ['inspect', '--raw', '--tls-verify=false', from]);
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 2 });
    const to = `dir:${path.join(folder, image.repository.replace('/', '-'))}`;
    await exec('skopeo', ['copy', '--all', '--src-tls-verify=false', from, to]);
  }
}

describeReal('distribution serves', ['docker-registry', 'skopeo', 'tar'], () => {
  test('what GNU tar unpacks from the volumes, every image whole', async () => {
    const folder = await temporaryFolder();
    const sample = makeSample({ volumeSizeBytes: 1_000_000 });
    await buildSample(sample, folder);
    const unpacked = path.join(folder, 'unpacked');
    await mkdir(unpacked);
    for (const volume of (await openOne(folder)).volumes) await exec('tar', ['-xf', volume.path, '-C', unpacked]);
    await pullAll(await serve(unpacked), sample, path.join(folder, 'pulled'));
  });

  test('what load wrote, every image whole', async () => {
    const folder = await temporaryFolder();
    const sample = makeSample();
    await buildSample(sample, folder);
    const storageRoot = path.join(folder, 'storage');
    await loadIntoStorage({ bundle: await openOne(folder), storageRoot, stateFolder: path.join(folder, 'state') }, run);
    await pullAll(await serve(storageRoot), sample, path.join(folder, 'pulled'));
  });
});

describeRoot('a full disk', ['mount', 'umount'], () => {
  test('ends build and load with DISK_FULL, and both continue when there is room', async () => {
    const folder = await temporaryFolder();
    const small = path.join(folder, 'small');
    await mkdir(small);
    await exec('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small]);
    onTestFinished(async () => {
      await exec('umount', ['-l', small]);
    });
    const sample = makeSample();
    const refusal = await buildSample(sample, small).catch((error: unknown) => error);
    expect(isAirlockError(refusal, 'DISK_FULL')).toBe(true);
    await exec('mount', ['-o', 'remount,size=20m', small]);
    expect((await buildSample(sample, small)).kind).toBe('sealed');
    const bundle = await openOne(small);
    await exec('mount', ['-o', 'remount,size=5m', small]);
    const options = { bundle, storageRoot: path.join(small, 'storage'), stateFolder: path.join(small, 'state') };
    const short = await loadIntoStorage(options, run).catch((error: unknown) => error);
    expect(isAirlockError(short, 'SPACE_SHORT')).toBe(true);
    // As when somebody else fills the disk after it was asked.
    const space = async () => ({ freeBytes: 1 << 30, blockBytes: 4096, freeInodes: 1 << 20 });
    const hopeful = { ...run, disk: { ...run.disk, space } };
    const full = await loadIntoStorage(options, hopeful).catch((error: unknown) => error);
    expect(isAirlockError(full, 'DISK_FULL')).toBe(true);
    await exec('mount', ['-o', 'remount,size=20m', small]);
    expect((await loadIntoStorage(options, run)).kind).toBe('loaded');
    await rm(path.join(small, 'storage'), { recursive: true });
  });
});

test('a bundle is served in place with the content of its images', async () => {
  const folder = await temporaryFolder();
  const sample = makeSample();
  await buildSample(sample, folder);
  const store = await openBundleStore([await openOne(folder)], {}, run);
  onTestFinished(() => store.close());
  expect(await store.listRepositories(run)).toEqual(['harbour/crane', 'harbour/ferry', 'harbour/lighthouse']);
  for (const image of sample.plan.images)
    expect(await store.findTag(image.repository, image.tag, run)).toBe(image.digest);
  for (const [digest, bytes] of sample.blobs) {
    const handle = await store.openBlob(digest as never, run);
    const buffer = Buffer.alloc(bytes.length);
    for (let done = 0; done < buffer.length; ) done += await handle.read(buffer.subarray(done), done);
    expect(buffer.equals(bytes)).toBe(true);
  }
});
