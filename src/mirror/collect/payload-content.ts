import type { PlatformSelection } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import type { Digest, Reference } from '../../oci/index.ts';
import { keepBlob } from '../layer/open-layer.ts';
import { readImageFiles } from '../layer/read-files.ts';
import { type CoreosContent, parseBootImages } from '../release/coreos-stream.ts';
import { type PayloadContent, parsePayload, payloadFiles } from '../release/payload.ts';
import type { WantedRelease } from './channels.ts';
import type { Closure } from './closure.ts';
import type { Collector, GatheredManifest } from './collector.ts';

/** What was read of a payload; `coreos` only where somebody asks for boot images. */
export interface Payload extends PayloadContent {
  readonly coreos: CoreosContent | undefined;
  readonly architecture: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Reads what Airlock needs of a payload: of an index the amd64 instance, else the first one, since all say the same. */
export async function readPayload(
  collector: Collector,
  reference: Reference & { readonly digest: Digest },
  closure: Closure,
  { platform, wanted }: { readonly platform: PlatformSelection; readonly wanted: WantedRelease },
  run: Run,
): Promise<Payload> {
  const image = findInstance(closure);
  if (!image) throw new AirlockError('RELEASE_PAYLOAD_INVALID', `${wanted.payload} is an index without an image`);
  const [config, ...layers] = image.blobs;
  const keep = async (digest: Digest): Promise<void> => {
    const blob = image.blobs.find((one) => one.digest === digest);
    if (!blob) return;
    await keepBlob(blob, { source: collector.source, repository: reference, kept: collector.kept }, run);
    if (!image.keptBlobs.includes(digest)) image.keptBlobs.push(digest);
  };
  const names = new Set<string>(Object.values(payloadFiles));
  const { files } = await readImageFiles(
    layers.map((layer) => layer.digest),
    { names, keep },
    collector.kept,
    run,
  );
  const content = parsePayload(wanted.payload, files);
  const bootImages = files.get(payloadFiles.bootImages);
  const isAsked = collector.options.coreos !== undefined || platform.kubeVirtContainer;
  const isIndex = closure.root.manifests.length > 0;
  if (config) await keep(config.digest);
  return {
    ...content,
    files,
    architecture: isIndex
      ? 'multi'
      : content.architecture || wanted.architecture || (await readArchitecture(collector, config?.digest, run)),
    // Only where somebody asks: a stream that cannot be read is no reason to refuse a release otherwise.
    coreos: bootImages && isAsked ? parseBootImages(bootImages.toString('utf8')) : undefined,
  };
}

function findInstance(closure: Closure): GatheredManifest | undefined {
  const images = closure.manifests.filter((manifest) => manifest.blobs.length > 0);
  const amd64 = closure.root.manifests.find((child) => child.platform?.architecture === 'amd64');
  return images.find((manifest) => manifest.digest === amd64?.digest) ?? images[0];
}

async function readArchitecture(collector: Collector, config: Digest | undefined, run: Run): Promise<string> {
  const bytes = config ? await collector.kept.find(config, run) : undefined;
  try {
    const architecture: unknown = Reflect.get(JSON.parse(bytes?.toString('utf8') ?? ''), 'architecture');
    return typeof architecture === 'string' ? architecture : '';
  } catch {
    return '';
  }
}
