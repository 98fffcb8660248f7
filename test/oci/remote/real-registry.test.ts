import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import { copyToTarget, createAuthFiles, type Descriptor, digestOf, mediaTypes } from '../../../src/oci/index.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { startDockerRegistry } from '../../helpers/docker-registry.ts';
import { describeReal } from '../../helpers/real.ts';
import { seededBytes } from '../../helpers/scripted-registry.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { listeningRun, readAll, testRemote } from './helpers.ts';

const run = quietRun();
const skopeo = promisify(execFile);

function descriptor(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** A small image that skopeo is content with. */
function image(seed: string) {
  const layer = seededBytes(seed, 3_000_000);
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    }),
  );
  const blobs = [descriptor(mediaTypes.ociConfig, config), descriptor(mediaTypes.ociLayer, layer)] as const;
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: blobs[0], layers: [blobs[1]] }),
  );
  return {
    bytes,
    manifest: descriptor(mediaTypes.ociManifest, bytes),
    blobs,
    content: new Map([
      [blobs[0].digest, config],
      [blobs[1].digest, layer],
    ]),
  };
}

describeReal('docker-registry over TLS with htpasswd', ['docker-registry', 'htpasswd', 'openssl', 'skopeo'], () => {
  test.each(['127.0.0.1', '::'])('takes images on %s that skopeo reads, and gives them back', async (address) => {
    const tls = await makeCertificate();
    const { host } = await startDockerRegistry({ host: address, tls, user: { name: 'cook', password: 'p:ss' } });
    const folder = await temporaryFolder();
    // Old skopeo cannot parse IPv6 literals; the listener on [::] takes both families.
    const name = host.replace(/^.*:/, '127.0.0.1:');
    const authFile = path.join(folder, 'auth.json');
    const entry = { auth: Buffer.from('cook:p:ss').toString('base64') };
    await writeFile(authFile, JSON.stringify({ auths: { [host]: entry, [name]: entry } }));
    await mkdir(path.join(folder, 'certs.d', host), { recursive: true });
    await writeFile(path.join(folder, 'certs.d', host, 'ca.crt'), tls.cert);
    const remote = testRemote({
      tlsVerify: true,
      certsDirs: [path.join(folder, 'certs.d')],
      credentials: createAuthFiles({ authFile }),
    });
    const made = image('layer');

    const content = {
      repositories: ['a', 'b'].map((name) => ({
        name,
        tags: { v1: made.manifest.digest },
        revisions: [made.manifest.digest],
      })),
      readManifest: () =>
        Promise.resolve({ bytes: made.bytes, mediaType: made.manifest.mediaType, digest: made.manifest.digest }),
      openBlob: (_: string, blob: Descriptor, offsetBytes: number) =>
        Promise.resolve(
          Readable.from([(made.content.get(blob.digest) ?? Buffer.alloc(0)).subarray(offsetBytes)], {
            objectMode: false,
          }),
        ),
    };
    const { run: listening, events } = listeningRun();
    const options = { target: remote, registry: host, prefix: 'ns', stage: 'load' } as const;
    expect(await copyToTarget(content, options, listening)).toMatchObject({
      pushedBlobs: 2,
      mountedBlobs: 2,
      pushedTags: 2,
      failures: [],
    });
    expect(await copyToTarget(content, options, run)).toMatchObject({ pushedBlobs: 0, presentTags: 2 });
    expect(events).toContainEqual(
      expect.objectContaining({ message: `${host}: using credentials ${host} from ${authFile}` }),
    );

    const arguments_ = ['--authfile', authFile, '--cert-dir', path.join(folder, 'certs.d', host)];
    const { stdout } = await skopeo('skopeo', ['inspect', ...arguments_, `docker://${name}/ns/b:v1`]);
    expect(JSON.parse(stdout)).toMatchObject({ Digest: made.manifest.digest, RepoTags: ['v1'] });
    await skopeo('skopeo', [
      'copy',
      '--src-authfile',
      authFile,
      '--dest-authfile',
      authFile,
      '--src-cert-dir',
      path.join(folder, 'certs.d', host),
      '--dest-cert-dir',
      path.join(folder, 'certs.d', host),
      '--preserve-digests',
      `docker://${name}/ns/a:v1`,
      `docker://${name}/ns/c:v2`,
    ]);

    const place = { registry: host, repository: 'ns/c' };
    expect(await remote.listTags(place, run)).toEqual(['v2']);
    expect(await remote.resolve({ ...place, tag: 'v2' }, run)).toEqual(made.manifest);
    const whole = await readAll(await remote.fetchBlob(place, made.blobs[1], 0, run));
    expect(digestOf(whole)).toBe(made.blobs[1].digest);
    const rest = await readAll(await remote.fetchBlob(place, made.blobs[1], 2_999_000, run));
    expect(rest.equals(whole.subarray(2_999_000))).toBe(true);
    expect(await remote.deleteManifest(place, made.manifest.digest, run)).toBe(true);
    expect(await remote.findManifest({ ...place, tag: 'v2' }, run)).toBeUndefined();
  });

  test('chunked uploads, broken uploads and referrers by fallback tag', async () => {
    const { host } = await startDockerRegistry();
    const place = { registry: host, repository: 'kitchen/soup' };
    const made = image('soup');
    const layer = made.content.get(made.blobs[1].digest) ?? Buffer.alloc(0);
    const remote = testRemote();
    let opened = 0;
    // The first try breaks off after a third; the registry keeps what it got, and the second goes on from there.
    const open = (offsetBytes: number): Promise<Readable> => {
      opened += 1;
      if (opened > 1) return Promise.resolve(Readable.from([layer.subarray(offsetBytes)], { objectMode: false }));
      return Promise.resolve(Readable.from(broken(layer), { objectMode: false }));
    };
    await remote.pushBlob(place, made.blobs[1], open, run);
    expect(await remote.hasBlob(place, made.blobs[1], run)).toBe(true);
    expect(opened).toBe(2);
    for (const blob of made.blobs) {
      const bytes = made.content.get(blob.digest) ?? Buffer.alloc(0);
      await remote.pushBlob(
        place,
        blob,
        (at) => Promise.resolve(Readable.from([bytes.subarray(at)], { objectMode: false })),
        run,
      );
    }
    await remote.pushManifest(
      place,
      'v1',
      { bytes: made.bytes, mediaType: made.manifest.mediaType, digest: made.manifest.digest },
      run,
    );
    const signature = Buffer.from(
      JSON.stringify({
        ...JSON.parse(made.bytes.toString()),
        subject: made.manifest,
        artifactType: 'application/x-signature',
      }),
    );
    await remote.pushManifest(
      place,
      digestOf(signature),
      { bytes: signature, mediaType: mediaTypes.ociManifest, digest: digestOf(signature) },
      run,
    );
    expect(await remote.listReferrers(place, made.manifest.digest, run)).toMatchObject([
      { digest: digestOf(signature) },
    ]);
  });
});

async function* broken(layer: Buffer): AsyncGenerator<Buffer> {
  yield layer.subarray(0, 1_000_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { AirlockError } = await import('../../../src/core/errors.ts');
  throw new AirlockError('HTTP_UNREACHABLE', 'the source broke off', { side: 'source' });
}
