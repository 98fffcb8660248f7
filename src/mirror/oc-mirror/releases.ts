import path from 'node:path';
import { errorText, isAirlockError } from '../../core/errors.ts';
import { findFile } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { childManifests, type Digest, digestHex, manifestBlobs, parseManifest } from '../../oci/index.ts';
import { addMissing, addNote, orMissing } from '../collect/collector.ts';
import { collectCoreos } from '../collect/coreos.ts';
import { addWorkingFile } from '../collect/working-files.ts';
import { type ImageName, parseImageName, releaseTag } from '../naming.ts';
import { parseBootImages } from '../release/coreos-stream.ts';
import { findNode, parseUpdateGraph, type UpdateGraph } from '../release/graph.ts';
import { type PayloadContent, parsePayload, payloadFiles } from '../release/payload.ts';
import { redHatReleaseKeys } from '../release/red-hat-key.ts';
import { readReleaseKeys, verifyReleaseSignature } from '../release/signature.ts';
import { type ArchiveContent, type Description, isCopied, listFolder } from './description.ts';

/** Below the working-dir. */
export const holdRelease = 'hold-release';
const graphData = 'cincinnati-graph-data';

/**
 * Releases as the binary left them unpacked in `hold-release`: payload, components, boot images. Their signatures are checked again, in full:
 * the binary accepts a damaged one (reference §14). @see reference §5.2, §6
 */
export async function nameReleases(description: Description, run: Run): Promise<void> {
  const { content } = description;
  for (const base of await listFolder(content, run, holdRelease)) {
    if (base === graphData) continue;
    for (const tag of await listFolder(content, run, holdRelease, base)) {
      const folder = path.join(content.workingFolder, holdRelease, base, tag);
      await nameRelease(description, { base: base.replace(/@sha256$/, ''), tag, folder }, run);
    }
  }
}

interface HeldRelease {
  /** Last element of its repository. */
  readonly base: string;
  /** Its tag, or its bare digest when nobody asked for a signature. */
  readonly tag: string;
  readonly folder: string;
}

/** Where releases lie, in the cache and at the target. */
export const releaseImages = 'openshift/release-images';
const contents = 'openshift/release';

async function nameRelease(description: Description, held: HeldRelease, run: Run): Promise<void> {
  const { content, collector, findDigest, add } = description;
  const tag = releaseTag(held.tag);
  const digest = findDigest(releaseImages, tag);
  if (digest === undefined) return;
  const origin = content.copied.size > 0 ? findOrigin(content, held) : await originInGraphs(content, digest, tag, run);
  if (origin === undefined) return;
  add({
    type: 'ocpRelease',
    origin,
    repository: releaseImages,
    tag,
    targets: [{ repository: releaseImages, tag }],
    reason: `release ${held.tag}`,
  });
  await orMissing(collector, { type: 'ocpRelease', origin, digest }, async () => {
    const signature = await proveHeld(description, origin, digest, run);
    const files = new Map<string, Buffer>();
    for (const name of Object.values(payloadFiles)) {
      const bytes = await findFile(path.join(held.folder, name), run);
      if (bytes) files.set(name, bytes);
    }
    const payload = parsePayload(origin, files);
    nameComponents(description, payload, tag);
    const architecture = (await findArchitecture(content, digest)) || payload.architecture;
    const bootImages = files.get(payloadFiles.bootImages)?.toString('utf8');
    const coreos = bootImages === undefined ? undefined : parseBootImages(bootImages);
    const { platform } = content.imageSet.mirror;
    const reason = `release ${payload.version || held.tag} ${architecture}`;
    collector.releases.push({
      version: payload.version || held.tag,
      architecture,
      digest,
      origin,
      repository: releaseImages,
      tag,
      channels: await findChannels(content, payload.version, run),
      signature,
      components: Object.fromEntries(payload.components.map((one) => [one.name, one.reference])),
      coreos: await collectCoreos(collector, { architecture, coreos }, platform.platforms, reason, run),
    });
  });
}

/** As it stands in the output: by tag, or by digest. */
function findOrigin(content: ArchiveContent, { base, tag }: HeldRelease): string | undefined {
  for (const origin of content.copied) {
    if (origin.startsWith('oci:')) continue;
    const name: ImageName = parseImageName(origin);
    const own = name.tag || name.digest.replace(/^sha256:/, '');
    if (path.posix.basename(name.path) === base && own === tag) return origin;
  }
  return undefined;
}

/** Where nothing was understood of the output: the update graphs name the payload's repository. */
async function originInGraphs(content: ArchiveContent, digest: Digest, tag: string, run: Run): Promise<string> {
  for (const { graph } of await readGraphs(content, run)) {
    const payload = graph.nodes.find((node) => node.payload.endsWith(`@${digest}`))?.payload;
    if (payload !== undefined) return `${payload.slice(0, -digest.length - 1)}:${tag}`;
  }
  return `${releaseImages}:${tag}`;
}

/** The update graphs that the binary asked for. */
async function readGraphs(
  content: ArchiveContent,
  run: Run,
): Promise<{ readonly channel: string; readonly graph: UpdateGraph }[]> {
  const graphs = [];
  for (const name of await listFolder(content, run, holdRelease, graphData)) {
    const channel = /^[^-]+-(.*)\.json$/.exec(name)?.[1];
    const bytes = await findFile(path.join(content.workingFolder, holdRelease, graphData, name), run);
    try {
      if (bytes && channel) graphs.push({ channel, graph: parseUpdateGraph(bytes.toString('utf8')) });
    } catch (error) {
      // Only remarks in the plan hang on it.
      if (!isAirlockError(error)) throw error;
    }
  }
  return graphs;
}

/** Components by the payload; other tags of this release (KubeVirt's image) by the digest in what was copied. */
function nameComponents({ content, add }: Description, payload: PayloadContent, release: string): void {
  const named = new Set<string>();
  const name = (tag: string, origin: string, reason: string): void => {
    if (!isCopied(content, origin)) return;
    named.add(tag);
    add({
      type: 'ocpReleaseContent',
      origin,
      repository: contents,
      tag,
      targets: [{ repository: contents, tag }],
      reason,
    });
  };
  for (const component of payload.components)
    name(releaseTag(`${release}-${component.name}`), component.reference, `release ${release}: ${component.name}`);
  const tree = content.repositories.find((one) => one.name === contents);
  for (const [tag, digest] of Object.entries(tree?.tags ?? {})) {
    if (!tag.startsWith(`${release}-`) || named.has(tag)) continue;
    const origin = [...content.copied].find((one) => one.endsWith(`@${digest}`));
    if (origin !== undefined) name(tag, origin, `release ${release}: ${tag.slice(release.length + 1)}`);
  }
}

async function proveHeld(
  { content, collector }: Description,
  origin: string,
  digest: Digest,
  run: Run,
): Promise<'verified' | 'not-checked'> {
  const hex = digestHex(digest);
  const name = (await listFolder(content, run, 'signatures')).find((one) => one.endsWith(`-sha256-${hex}`));
  const file = path.join(content.workingFolder, 'signatures', name ?? '');
  const bytes = name === undefined ? undefined : await findFile(file, run, 1 << 20);
  if (bytes && name !== undefined) addWorkingFile(collector, `signatures/${name}`, bytes, origin);
  if (!bytes || content.options.ignoreReleaseSignature) {
    const message = 'the signature of this release was NOT checked: oc-mirror left none';
    addNote(collector, { code: 'RELEASE_SIGNATURE_NOT_CHECKED', subject: origin, message }, run);
    return 'not-checked';
  }
  const keys = await readReleaseKeys(content.options.signatureKeyArmored ?? redHatReleaseKeys);
  try {
    await verifyReleaseSignature(bytes, digest, keys);
  } catch (error) {
    if (!isAirlockError(error)) throw error;
    addMissing(collector, { type: 'ocpRelease', origin, digest }, error.code, errorText(error));
    return 'not-checked';
  }
  return 'verified';
}

/** OpenShift's spelling; `multi` for an index. */
async function findArchitecture(content: ArchiveContent, digest: Digest): Promise<string> {
  const bytes = await content.readBlob(digest);
  if (!bytes) return '';
  const manifest = parseManifest(bytes);
  if (childManifests(manifest).length > 0) return 'multi';
  const [config] = manifestBlobs(manifest);
  const text = config ? await content.readBlob(config.digest) : undefined;
  try {
    const architecture: unknown = Reflect.get(JSON.parse(text?.toString('utf8') ?? '') as object, 'architecture');
    return typeof architecture === 'string' ? architecture : '';
  } catch {
    return '';
  }
}

/** Channels of the image set whose graph has the release. */
async function findChannels(content: ArchiveContent, version: string, run: Run): Promise<string[]> {
  const wanted = new Set(content.imageSet.mirror.platform.channels.map((channel) => channel.name));
  const found = (await readGraphs(content, run)).flatMap(({ channel, graph }) =>
    wanted.has(channel) && findNode(graph, version) ? [channel] : [],
  );
  return [...new Set(found)].sort();
}
