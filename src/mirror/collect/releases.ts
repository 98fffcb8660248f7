import path from 'node:path';
import type { PlatformSelection } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import { type Digest, digestHex, isTag, parseReference, type Reference } from '../../oci/index.ts';
import { keepBlob } from '../layer/open-layer.ts';
import { readImageFiles } from '../layer/read-files.ts';
import { releaseTag } from '../naming.ts';
import { type CoreosContent, parseBootImages } from '../release/coreos-stream.ts';
import { type PayloadContent, parsePayload, payloadFiles } from '../release/payload.ts';
import { resolveChannels, type WantedRelease } from './channels.ts';
import { type Closure, readClosure } from './closure.ts';
import { addMissing, type Collector, type GatheredManifest, orMissing, repositoryText } from './collector.ts';
import { collectCoreos } from './coreos.ts';
import { addImage } from './image.ts';
import { proveRelease, type ReleaseProof } from './release-signature.ts';
import { addWorkingFile } from './working-files.ts';

const releasesAtOnce = 3;

/** Adds the releases of `platform` with every component, boot image and file that belongs to them (reference §6). */
export async function collectReleases(collector: Collector, platform: PlatformSelection, run: Run): Promise<void> {
  const wanted = platform.release
    ? [await pinRelease(collector, platform.release, run)].filter((one) => one !== undefined)
    : await resolveChannels(collector, platform, run);
  await mapLimited(wanted, releasesAtOnce, (release) =>
    orMissing(collector, { type: 'ocpRelease', origin: release.payload }, () =>
      collectRelease(collector, platform, release, run),
    ),
  );
}

/** `platform.release`: by tag it is asked for its digest. */
async function pinRelease(collector: Collector, release: string, run: Run): Promise<WantedRelease | undefined> {
  return orMissing(collector, { type: 'ocpRelease', origin: release }, async () => {
    const reference = parseReference(release);
    const digest = reference.digest ?? (await collector.limit(() => collector.source.resolve(reference, run))).digest;
    return { payload: `${repositoryText(reference)}@${digest}`, version: '', architecture: '', channels: [] };
  });
}

interface Payload extends PayloadContent {
  readonly coreos: CoreosContent | undefined;
  readonly architecture: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

async function collectRelease(
  collector: Collector,
  platform: PlatformSelection,
  wanted: WantedRelease,
  run: Run,
): Promise<void> {
  const reference = await pinPayload(collector, wanted.payload, run);
  const proof = await proveRelease(collector, wanted.payload, reference.digest, run);
  const closure = await readClosure(collector, reference, platform.platforms, run);
  const payload = await readPayload(collector, reference, closure, { platform, wanted }, run);
  const names = nameRelease(collector, platform, wanted, reference, proof, payload);
  for (const [file, bytes] of payload.files)
    addWorkingFile(collector, `hold-release/${names.folder}/${file}`, bytes, wanted.payload);
  const reason = `release ${payload.version || wanted.version} ${payload.architecture}`;
  const added = await addImage(
    collector,
    {
      type: 'ocpRelease',
      origin: names.origin,
      pull: reference,
      repository: 'openshift/release-images',
      tag: names.tag,
      platforms: platform.platforms,
      reason,
    },
    run,
  );
  if (!added) return;
  const components = platform.kubeVirtContainer
    ? [...payload.components, ...kubevirtComponents(collector, platform, wanted.payload, payload)]
    : payload.components;
  await mapLimited(components, collector.options.parallel ?? 8, (component) =>
    addImage(
      collector,
      {
        type: 'ocpReleaseContent',
        origin: component.reference,
        repository: 'openshift/release',
        tag: releaseTag(`${names.tag}-${component.name}`),
        platforms: platform.platforms,
        reason: `${reason}: ${component.name}`,
      },
      run,
    ),
  );
  collector.releases.push({
    version: payload.version || wanted.version,
    architecture: payload.architecture,
    digest: reference.digest,
    origin: names.origin,
    repository: 'openshift/release-images',
    tag: names.tag,
    channels: wanted.channels,
    signature: proof.state,
    components: Object.fromEntries(payload.components.map(({ name, reference: image }) => [name, image])),
    coreos: await collectCoreos(collector, payload, platform.platforms, reason, run),
  });
}

async function pinPayload(
  collector: Collector,
  payload: string,
  run: Run,
): Promise<Reference & { readonly digest: Digest }> {
  const reference = parseReference(payload);
  const digest = reference.digest ?? (await collector.limit(() => collector.source.resolve(reference, run))).digest;
  return { registry: reference.registry, repository: reference.repository, digest };
}

/** Reads what Airlock needs of a payload: of an index the amd64 instance, else the first one, since all say the same. */
async function readPayload(
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

interface ReleaseNames {
  readonly origin: string;
  readonly tag: string;
  /** Below `hold-release/`. */
  readonly folder: string;
}

const payloadArchitectures: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

/** How oc-mirror names a release: by its signature; by its bare digest when nobody asks for one (reference §5.2, §6.5). */
function nameRelease(
  collector: Collector,
  platform: PlatformSelection,
  wanted: WantedRelease,
  reference: Reference & { readonly digest: Digest },
  proof: ReleaseProof,
  payload: Payload,
): ReleaseNames {
  const name = repositoryText(reference);
  if (proof.signed) {
    const base = path.posix.basename(parseReference(proof.signed.reference).repository);
    return { origin: proof.signed.reference, tag: releaseTag(proof.signed.tag), folder: `${base}/${proof.signed.tag}` };
  }
  const byDigest = platform.release !== undefined && collector.options.ignoreReleaseSignature === true;
  const tag = `${payload.version}-${payloadArchitectures[payload.architecture] ?? payload.architecture}`;
  if (byDigest || !payload.version || !isTag(tag)) {
    const hex = digestHex(reference.digest);
    return { origin: wanted.payload, tag: hex, folder: `${path.posix.basename(reference.repository)}@sha256/${hex}` };
  }
  return {
    origin: `${name}:${tag}`,
    tag: releaseTag(tag),
    folder: `${path.posix.basename(reference.repository)}/${tag}`,
  };
}

/** The KubeVirt boot images (reference §6.6): x86_64 and s390x exist; their names get a suffix when several architectures are asked for. */
function kubevirtComponents(
  collector: Collector,
  platform: PlatformSelection,
  origin: string,
  payload: Payload,
): { readonly name: string; readonly reference: string }[] {
  const asked = kubevirtArchitectures(platform, payload);
  const known = asked.flatMap((one) => (one === 'amd64' ? ['x86_64'] : one === 's390x' ? ['s390x'] : []));
  const isOpen = asked.includes('multi') || (known.length === 0 && platform.platforms.length > 0);
  const wanted = isOpen ? ['x86_64', 's390x'] : known;
  const isSuffixed = wanted.length > 1 || platform.architectures.length > 1;
  const found = wanted.flatMap((architecture) => {
    const reference = payload.coreos?.kubevirt[architecture];
    const name = isSuffixed ? `kube-virt-container-${architecture}` : 'kube-virt-container';
    return reference ? [{ name, reference }] : [];
  });
  if (found.length === 0)
    addMissing(
      collector,
      { type: 'ocpReleaseContent', origin },
      'RELEASE_PAYLOAD_INVALID',
      'the payload names no KubeVirt boot image for a wanted architecture',
    );
  return found;
}

/** The architectures that somebody asked for, whatever this payload is of. */
function kubevirtArchitectures(platform: PlatformSelection, payload: Payload): readonly string[] {
  if (platform.platforms.length > 0) return platform.platforms.map((one) => one.architecture);
  return platform.release ? [payload.architecture] : platform.architectures;
}
