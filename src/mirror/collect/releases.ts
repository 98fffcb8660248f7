import type { PlatformSelection } from '../../config/index.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import { type Digest, parseReference, type Reference } from '../../oci/index.ts';
import { releaseTag } from '../naming.ts';
import { resolveChannels, type WantedRelease } from './channels.ts';
import { readClosure } from './closure.ts';
import { type Collector, orMissing, repositoryText } from './collector.ts';
import { collectCoreos } from './coreos.ts';
import { addImage, isBlocked } from './image.ts';
import { kubevirtComponents } from './kubevirt.ts';
import { readPayload } from './payload-content.ts';
import { nameRelease } from './release-names.ts';
import { proveRelease } from './release-signature.ts';
import { keepWorkingFile } from './working-files.ts';

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

async function collectRelease(
  collector: Collector,
  platform: PlatformSelection,
  wanted: WantedRelease,
  run: Run,
): Promise<void> {
  const reference = await pinPayload(collector, wanted.payload, run);
  const isPinned = platform.release !== undefined;
  const proof = await proveRelease(collector, { origin: wanted.payload, digest: reference.digest, isPinned }, run);
  const closure = await readClosure(collector, reference, platform.platforms, run);
  const payload = await readPayload(collector, reference, closure, { platform, wanted }, run);
  const names = nameRelease(collector, platform, wanted, reference, proof, payload);
  for (const [file, bytes] of payload.files)
    await keepWorkingFile(collector, `hold-release/${names.folder}/${file}`, bytes, wanted.payload, run);
  const reason = `release ${payload.version || wanted.version} ${payload.architecture}`;
  const request = {
    type: 'ocpRelease',
    origin: names.origin,
    pull: reference,
    repository: 'openshift/release-images',
    tag: names.tag,
    platforms: platform.platforms,
    reason,
  } as const;
  const added = await addImage(collector, request, run);
  // A pattern in blockedImages that meets the payload alone leaves its components in, as in oc-mirror.
  if (!added && !isBlocked(collector, request)) return;
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
  if (!added) return;
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
