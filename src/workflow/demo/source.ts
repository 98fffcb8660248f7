import { createHash } from 'node:crypto';
import path from 'node:path';
import { writeFileAtomic } from '../../core/files.ts';
import { hostPort } from '../../core/ip.ts';
import type { Run } from '../../core/run.ts';
import { createReleaseSigner } from '../../mirror/index.ts';
import { type Digest, digestHex, openStorage, type WrittenImage } from '../../oci/index.ts';
import { startEmbeddedRegistry } from '../../registry/index.ts';
import { startWebServer, type WebFile } from '../../webserver/index.ts';
import { loopbackAddresses } from './loopback.ts';
import { type DemoContent, demoNames, renderDemoGraph } from './payload.ts';

/** The outside world of the demo, on loopback: a registry and a web server, with the settings that lead a build there. */
export interface DemoSource {
  readonly registriesConf: string;
  readonly updateUrl: string;
  readonly signatureUrl: string;
  readonly coreosBaseUrl: string;
  readonly releaseKeyFile: string;
  close(): Promise<void>;
}

/** Fills and starts the source in `folder`. Its names are mapped by a registries.conf, as in an enclave. */
export async function startDemoSource(content: DemoContent, folder: string, run: Run): Promise<DemoSource> {
  const storage = path.join(folder, 'registry');
  const [address] = loopbackAddresses();
  await fillStorage(content, storage, run);
  const registry = await startEmbeddedRegistry(
    { store: openStorage(storage), listen: [{ host: address, port: 0 }], readOnly: true },
    run,
  );
  const releaseKeyFile = path.join(folder, 'release-key.asc');
  const files = await writeWebFiles(content, path.join(folder, 'web'), releaseKeyFile, run);
  const web = await startWebServer({ listen: [{ address, port: 0 }], files, title: 'source of the demo' }, run);
  const webUrl = `http://${hostPort(address, web.addresses[0]?.port ?? 0)}`;
  const location = hostPort(address, registry.addresses[0]?.port ?? 0);
  const registriesConf = path.join(folder, 'registries.conf');
  const rules = [demoNames.registry, demoNames.toolRegistry].map(
    (prefix) => `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\ninsecure = true\n`,
  );
  await writeFileAtomic(registriesConf, rules.join('\n'), run);
  return {
    registriesConf,
    updateUrl: `${webUrl}/graph`,
    signatureUrl: `${webUrl}/signatures/`,
    coreosBaseUrl: webUrl,
    releaseKeyFile,
    async close() {
      await web.close();
      await registry.close(0);
    },
  };
}

async function fillStorage(content: DemoContent, storage: string, run: Run): Promise<void> {
  const { writer } = openStorage(storage);
  if (!writer) throw new Error('a storage folder can be written to');
  for (const { repository, tag, image } of content.images) {
    for (const [digest, bytes] of image.blobs) {
      const upload = await writer.startBlob(run);
      await upload.write(bytes);
      await upload.commit(digest);
      await writer.linkLayer(repository, digest, run);
    }
    for (const child of image.children) await writer.putManifest(repository, { ...child, tags: [] }, run);
    await writer.putManifest(repository, { ...image.manifest, tags: [tag] }, run);
  }
}

async function writeWebFiles(content: DemoContent, root: string, releaseKeyFile: string, run: Run): Promise<WebFile[]> {
  const signer = await createReleaseSigner('Airlock demo <demo@example.com>');
  await writeFileAtomic(releaseKeyFile, signer.publicKey, run);
  const digest = content.release.digest as Digest;
  const signature = await signer.sign(content.release.reference, digest);
  const all = new Map<string, Uint8Array>(content.files);
  all.set('/graph', Buffer.from(renderDemoGraph(content)));
  all.set(`/signatures/sha256=${digestHex(digest)}/signature-1`, signature);
  const files: WebFile[] = [];
  for (const [webPath, bytes] of all) {
    const file = path.join(root, webPath);
    await writeFileAtomic(file, bytes, run);
    files.push({
      path: webPath,
      file,
      sizeBytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
  }
  return files;
}

/** Bytes of all images and files of the content, each blob once. */
export function contentBytes(content: DemoContent): number {
  const blobs = new Map<string, number>();
  const add = (image: WrittenImage): void => {
    for (const [digest, bytes] of image.blobs) blobs.set(digest, bytes.length);
    for (const manifest of [image.manifest, ...image.children]) blobs.set(manifest.digest, manifest.bytes.length);
  };
  for (const { image } of content.images) add(image);
  return [...blobs.values(), ...[...content.files.values()].map((file) => file.length)].reduce(
    (sum, size) => sum + size,
    0,
  );
}
