import { createCipheriv, createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { quietRun } from '../../src/core/run.ts';
import { renderLayer, type WrittenImage, writeImage } from '../../src/oci/index.ts';
import { type DemoContent, demoNames, makeDemoContent } from '../../src/workflow/demo/payload.ts';
import { startDemoSource } from '../../src/workflow/demo/source.ts';

/** The outside world of a journey, on loopback: registry, update service, signatures, RHCOS; and the flags that lead there. */
export interface JourneySource {
  readonly content: DemoContent;
  /** Flags of `plan` and `build`. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The registry's storage, for another registry to serve. */
  readonly storage: string;
  /** Writes the source's registries.conf anew: its names lead to another host. */
  moveTo(host: string): Promise<void>;
  close(): Promise<void>;
}

/** An image that the source holds beside the release. */
export interface ExtraImage {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly image: WrittenImage;
}

/** Starts the source in `folder`; the caller closes it. */
export async function startJourneySource(folder: string, extra: readonly ExtraImage[] = []): Promise<JourneySource> {
  const demo = makeDemoContent();
  const content = { ...demo, images: [...demo.images, ...extra] };
  const source = await startDemoSource(content, folder, quietRun());
  const extraRules = extra
    .map(({ registry }) => registry)
    .filter((name) => !Object.values(demoNames).includes(name as never));
  const rules = await readFile(source.registriesConf, 'utf8');
  const location = /^location = "(.*)"$/m.exec(rules)?.[1] ?? '';
  const write = (host: string): Promise<void> =>
    writeFile(source.registriesConf, registriesConf([demoNames.registry, demoNames.toolRegistry, ...extraRules], host));
  await write(location);
  return {
    content,
    flags: [
      ...['--registries-conf', source.registriesConf, '--release-key', source.releaseKeyFile],
      ...['--rhcos-url', source.coreosBaseUrl, '--retry-times', '1'],
    ],
    env: { UPDATE_URL_OVERRIDE: source.updateUrl, OCP_SIGNATURE_URL: source.signatureUrl },
    storage: path.join(folder, 'registry'),
    moveTo: write,
    close: () => source.close(),
  };
}

/** An image of one layer of bytes that do not compress, the same for the same name. */
export function largeImage(name: string, sizeBytes: number, layers = 1): ExtraImage {
  const parts = Array.from({ length: layers }, (_, at) => {
    const key = createHash('sha256').update(`${name} ${at}`).digest();
    const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
    return renderLayer([
      { path: `srv/${name}-${at}.bin`, content: cipher.update(Buffer.alloc(Math.ceil(sizeBytes / layers))) },
    ]);
  });
  const image = writeImage({ platform: { os: 'linux', architecture: 'amd64' }, layers: parts });
  return { registry: demoNames.toolRegistry, repository: `kitchen/${name}`, tag: '1.0', image };
}

/** An ImageSetConfiguration: the source's release unless it is left out, and further images. */
export async function writeImageSet(
  file: string,
  what: { readonly release?: boolean; readonly images?: readonly string[] },
): Promise<void> {
  const lines = ['kind: ImageSetConfiguration', 'apiVersion: mirror.openshift.io/v2alpha1', 'mirror:'];
  if (what.release ?? true) {
    lines.push('  platform:', '    architectures: [multi]', '    channels:', '    - name: stable-4.20');
    lines.push('      minVersion: 4.20.1', '      maxVersion: 4.20.1');
  }
  const images = what.images ?? [`${demoNames.toolRegistry}/${demoNames.toolRepository}:${demoNames.toolTag}`];
  if (images.length > 0) lines.push('  additionalImages:', ...images.map((name) => `  - name: ${name}`));
  await writeFile(file, `${lines.join('\n')}\n`);
}

function registriesConf(names: readonly string[], host: string): string {
  return [...new Set(names)]
    .map((prefix) => `[[registry]]\nprefix = "${prefix}"\nlocation = "${host}"\ninsecure = true\n`)
    .join('\n');
}
