import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import {
  digestOf,
  mediaTypes,
  openStorage,
  parseReference,
  renderLayer,
  storageSource,
  writeImage,
  writeIndex,
} from '../../../src/oci/index.ts';
import {
  awaitHealthy,
  type ContainerEngine,
  ensureContainer,
  findEngine,
  localImageName,
  openImageArchive,
  probeRegistry,
  registryContainer,
  registryFolders,
  renderHtpasswd,
  renderRegistryConfig,
  renderSystemdUnit,
  withSpecLabel,
  writeRegistryFiles,
} from '../../../src/registry/index.ts';
import { describeRoot } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { makeCertificate } from '../certificate.ts';
import { freePort } from '../free-port.ts';
import { putImage } from '../put-image.ts';
import { registryImage } from '../registry-image.ts';
import { type PodmanService, startPodman } from './podman-service.ts';

const run = quietRun();

describeRoot('registry in Podman', ['podman', 'runc', 'docker-registry', 'openssl', 'ldd'], () => {
  let service: PodmanService;
  let engine: ContainerEngine;
  beforeAll(async () => {
    service = await startPodman();
    const found = await findEngine({ containerHost: `unix://${service.socket}`, userId: 0 }, run);
    if (!found) throw new Error('no engine');
    engine = found;
  });
  afterAll(() => service.close());

  test('is loaded from storage, run on TLS with htpasswd, left alone, recreated on change, read and removed', async () => {
    const folder = await temporaryFolder();
    const storage = openStorage(path.join(folder, 'bundle'), { sync: 'none' });
    const image = registryImage();
    await putImage(storage, 'library/registry', image, ['3']);
    const reference = parseReference('docker.io/library/registry:3');
    const name = `localhost/kitchen/registry:3@${writeIndex([image]).descriptor.digest}`;
    const archive = await openImageArchive(storageSource(storage), { reference, architecture: 'amd64', name }, run);
    expect(await engine.loadImage(archive.stream, run)).toContain(localImageName(name));
    expect(`sha256:${(await engine.findImage(name))?.replace('sha256:', '')}`).toBe(archive.imageId);

    const port = await freePort();
    const folders = registryFolders(path.join(folder, 'registry'));
    const tls = makeCertificate(folder, ['registry.kitchen.test']);
    const config = renderRegistryConfig({ port, tls: true, htpasswd: true, secret: 'x'.repeat(40) });
    const spec = registryContainer({ name: 'kitchen', image: name, folders, config });
    await expect(ensureContainer(engine, spec, run)).rejects.toMatchObject({ code: 'MOUNT_MISSING' });
    const htpasswd = await renderHtpasswd('cook', 'salt and pepper');
    await writeRegistryFiles(folders, { config, htpasswd, tls }, run);

    expect(await ensureContainer(engine, spec, run)).toBe('created');
    const login = { username: 'cook', password: 'salt and pepper' };
    for (const host of ['127.0.0.1', '::1'])
      await awaitHealthy(
        { host, port, tls: { ca: tls.ca, serverName: 'registry.kitchen.test' }, ...login },
        15_000,
        run,
      );
    const probe = { host: '127.0.0.1', port, tls: { ca: tls.ca } };
    expect(await probeRegistry(probe, run)).toMatchObject({ healthy: true, status: 401 });
    expect(await probeRegistry({ ...probe, username: 'cook', password: 'sugar' }, run)).toMatchObject({
      healthy: false,
    });

    expect(await ensureContainer(engine, spec, run)).toBe('unchanged');
    await engine.startContainer('kitchen');
    await engine.stopContainer('kitchen', 5);
    await engine.stopContainer('kitchen', 5);
    expect(await engine.findContainer('kitchen')).toMatchObject({ running: false });
    expect(await ensureContainer(engine, spec, run)).toBe('started');

    const changed = renderRegistryConfig({ port, tls: true, htpasswd: true, secret: 'y'.repeat(40) });
    await writeRegistryFiles(folders, { config: changed }, run);
    const again = registryContainer({ name: 'kitchen', image: name, folders, config: changed });
    expect(await ensureContainer(engine, again, run)).toBe('recreated');
    await awaitHealthy({ ...probe, ...login }, 15_000, run);
    expect(await text(await engine.logs('kitchen', { tail: 50 }, run))).toContain(`listening on`);

    await engine.removeContainer('kitchen');
    await engine.removeContainer('kitchen');
    expect(await engine.findContainer('kitchen')).toBeUndefined();

    // What systemd would start is known again as the wanted container, and serves.
    const unit = renderSystemdUnit(withSpecLabel(again, (await engine.findImage(name)) ?? ''), 'kitchen registry');
    const command = unit.split('ExecStart=')[1]?.split('\nExecStop')[0] ?? '';
    const [, , ...args] = command.split(/[\s\\]+/);
    await service.podman('create', ...args);
    expect(await ensureContainer(engine, again, run)).toBe('started');
    await awaitHealthy({ ...probe, ...login }, 15_000, run);
    await engine.removeContainer('kitchen');
  });

  test('is loaded from an image of the Docker family too, with the instance of an index that fits', async () => {
    const storage = openStorage(await temporaryFolder(), { sync: 'none' });
    const image = writeImage({
      platform: { os: 'linux', architecture: 'amd64' },
      layers: [renderLayer([{ path: 'recipe', content: 'stir' }])],
    });
    const text = image.manifest.bytes
      .toString()
      .replace(mediaTypes.ociManifest, mediaTypes.dockerManifest)
      .replace(mediaTypes.ociConfig, mediaTypes.dockerConfig)
      .replaceAll(mediaTypes.ociLayerGzip, mediaTypes.dockerLayerGzip);
    const manifest = { bytes: Buffer.from(text), mediaType: mediaTypes.dockerManifest, digest: digestOf(text) };
    const descriptor = {
      ...image.descriptor,
      mediaType: manifest.mediaType,
      digest: manifest.digest,
      size: text.length,
    };
    const arm64 = writeImage({ platform: { os: 'linux', architecture: 'arm64' }, layers: [] });
    await putImage(storage, 'kitchen/pan', writeIndex([arm64, { ...image, manifest, descriptor }]), ['1']);
    const reference = parseReference('quay.io/kitchen/pan:1');
    const options = { reference, architecture: 'amd64', name: 'quay.io/kitchen/pan:1' };
    const archive = await openImageArchive(storageSource(storage), options, run);
    await engine.loadImage(archive.stream, run);
    expect(`sha256:${(await engine.findImage(options.name))?.replace('sha256:', '')}`).toBe(archive.imageId);
    const none = openImageArchive(storageSource(storage), { ...options, architecture: 's390x' }, run);
    await expect(none).rejects.toMatchObject({ code: 'IMAGE_ARCHIVE_INVALID' });
  });

  test('refuses a truncated archive and an image that is not there', async () => {
    const folder = await temporaryFolder();
    const archive = Readable.from([Buffer.alloc(700, 1)]);
    await expect(engine.loadImage(archive, run)).rejects.toMatchObject({ code: 'IMAGE_ARCHIVE_INVALID' });
    const folders = registryFolders(folder);
    await writeRegistryFiles(folders, {}, run);
    const spec = registryContainer({ image: 'localhost/nothing:1', folders, config: '' });
    await expect(ensureContainer(engine, spec, run)).rejects.toMatchObject({ code: 'IMAGE_NOT_LOADED' });
  });

  test('finds no engine behind a socket file that nobody serves', async () => {
    const file = path.join(await temporaryFolder(), 'podman.sock');
    await writeFile(file, '');
    expect(await findEngine({ containerHost: `unix://${file}`, userId: 0 }, run)).toBeUndefined();
  });
});
