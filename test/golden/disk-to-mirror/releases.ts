import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readMessage } from 'openpgp';
import { parseYamlStream } from '../../../src/core/yaml.ts';
import { type Job, type PlatformSet, splitReference } from './job.ts';
import { selectPayloads, type UpdateGraph } from './select-releases.ts';

interface ImageStream {
  readonly spec: { readonly tags: readonly { readonly name: string; readonly from: { readonly name: string } }[] };
}

/** What disk-to-mirror copies for `platform` (reference §4.7, §6.4 to §6.7). */
export async function collectReleases(platform: PlatformSet, job: Job): Promise<void> {
  const payloads = platform.release
    ? [payloadOf(platform.release, job)]
    : selectPayloads(platform, (arch, channel) => readGraph(job, arch, channel));
  if (payloads.length === 0 && platform.channels?.length) throw new Error('no release images found');
  for (const payload of payloads) await collectRelease(payload, platform, job);
  if (platform.graph) job.copy({ origin: 'graph', repository: 'openshift/graph-image', tag: 'latest' });
}

function payloadOf(reference: string, job: Job): string {
  const { name, digest } = splitReference(reference);
  return `${name}@${digest || job.askSource(reference)}`;
}

function readGraph(job: Job, arch: string, channel: string): UpdateGraph {
  const file = path.join(job.workingDir, 'hold-release/cincinnati-graph-data', `${arch}-${channel}.json`);
  if (!existsSync(file)) throw new Error(`no release images found: ${file} is not there`);
  return JSON.parse(readFileSync(file, 'utf8')) as UpdateGraph;
}

async function collectRelease(payload: string, platform: PlatformSet, job: Job): Promise<void> {
  const { name, digest } = splitReference(payload);
  const hex = digest.slice(7);
  const skipped = job.ignoreReleaseSignature && platform.release !== undefined;
  const source = skipped ? payload : await readSignature(job, hex);
  const tag = skipped ? hex : splitReference(source).tag;
  if (!tag) throw new Error(`${source}: no tag`);
  const { platforms } = platform;
  job.copy({ origin: source, repository: 'openshift/release-images', tag, platforms });
  const folder = (skipped ? `${name}@${digest}` : source).split('/').at(-1)?.replaceAll(':', '/') ?? '';
  const manifests = path.join(job.workingDir, 'hold-release', folder, 'release-manifests');
  const stream = JSON.parse(readFileSync(path.join(manifests, 'image-references'), 'utf8')) as ImageStream;
  for (const one of stream.spec.tags)
    job.copy({ origin: one.from.name, repository: 'openshift/release', tag: `${tag}-${one.name}`, platforms });
  if (platform.kubeVirtContainer) collectKubeVirt(manifests, tag, platform, job);
}

/** The reference that the signature of a payload names; its body is read, never checked. */
async function readSignature(job: Job, hex: string): Promise<string> {
  const folder = path.join(job.workingDir, 'signatures');
  const name = existsSync(folder) ? readdirSync(folder).find((one) => one.includes(hex)) : undefined;
  if (!name) throw new Error(`no signature found for ${hex}`);
  const message = (await readMessage({ binaryMessage: readFileSync(path.join(folder, name)) })).unwrapCompressed();
  const literal = message.getLiteralData();
  if (!literal) throw new Error(`${name}: no body`);
  const body = JSON.parse(Buffer.from(literal).toString()) as {
    critical: { identity: { 'docker-reference': string } };
  };
  return body.critical.identity['docker-reference'];
}

function collectKubeVirt(manifests: string, tag: string, platform: PlatformSet, job: Job): void {
  const [map] = parseYamlStream(
    readFileSync(path.join(manifests, '0000_50_installer_coreos-bootimages.yaml'), 'utf8'),
  ) as { data: { stream: string } }[];
  const { architectures } = JSON.parse(map?.data.stream ?? '') as {
    architectures: Record<string, { images?: { kubevirt?: { 'digest-ref': string } } }>;
  };
  const wanted = wantedArches(platform);
  for (const arch of wanted) {
    const origin = architectures[arch]?.images?.kubevirt?.['digest-ref'];
    const suffix = wanted.length > 1 ? `-${arch}` : '';
    if (origin) job.copy({ origin, repository: 'openshift/release', tag: `${tag}-kube-virt-container${suffix}` });
  }
}

function wantedArches(platform: PlatformSet): readonly string[] {
  const asked = platform.platforms?.map((one) => one.architecture) ?? platform.architectures ?? ['amd64'];
  const known = asked.flatMap((arch) => ({ amd64: 'x86_64', s390x: 's390x' })[arch] ?? []);
  if (asked.includes('multi') || (known.length === 0 && platform.platforms)) return ['x86_64', 's390x'];
  return known.length > 0 ? known : ['x86_64'];
}
