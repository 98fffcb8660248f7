import { isAirlockError } from '../../core/errors.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import { type Descriptor, type Digest, digestOf, mediaTypes, type Reference } from '../../oci/index.ts';
import { digestTag } from '../naming.ts';
import { type Closure, gatherManifest, readClosure } from './closure.ts';
import { type Attached, type Collector, repositoryText } from './collector.ts';

const cosignTags = [
  ['.sig', 'signature'],
  ['.att', 'attestation'],
  ['.sbom', 'sbom'],
] as const;

/** Artifact types of signatures that are referrers: cosign's bundle format, cosign's OCI 1.1 mode, Notary. */
const signatureTypes = /sigstore\.bundle|cosign\.(?:artifact\.)?(?:sig|simplesigning)|cncf\.notary\.signature/;

/**
 * The cosign tags and OCI referrers of every manifest of an image, byte for byte (real oc-mirror re-writes signatures and leaves referrers
 * behind, reference §14). [] with `removeSignatures`.
 * @see cosign SIGNATURE_SPEC "Tag-based discovery"; OCI distribution-spec v1.1 "Referrers Tag Schema"
 */
export async function findAttached(
  collector: Collector,
  reference: Reference,
  closure: Closure,
  owner: { readonly repository: string; readonly tag: string },
  run: Run,
): Promise<readonly Attached[]> {
  if (collector.options.removeSignatures) return [];
  const perManifest = await mapLimited(closure.manifests, 8, (manifest) => {
    const key = `${repositoryText(reference)}@${manifest.digest}`;
    const known = collector.attached.get(key) ?? lookUp(collector, reference, manifest.digest, run);
    collector.attached.set(key, known);
    return known;
  });
  // The tag that stands for a digest-only image is also that of its referrers' fallback index; the image has the older right to it.
  return perManifest.flat().filter((one) => one.kind !== 'referrers-index' || one.tag !== owner.tag);
}

async function lookUp(
  collector: Collector,
  reference: Reference,
  digest: Digest,
  run: Run,
): Promise<readonly Attached[]> {
  const repository = { registry: reference.registry, repository: reference.repository };
  const byTag = cosignTags.map(async ([ending, kind]) => {
    const tag = `${digestTag(digest)}${ending}`;
    const one = await findClosure(collector, { ...repository, tag }, run);
    return one ? [attach(kind, tag, one, repository)] : [];
  });
  const byReferrers = collector.limit(() => collector.source.listReferrers(repository, digest, run));
  const [referrers, ...tagged] = await Promise.all([byReferrers, ...byTag]);
  const found: Attached[] = tagged.flat();
  for (const referrer of referrers) {
    const one = await findClosure(collector, { ...repository, digest: referrer.digest }, run);
    if (!one) continue;
    const kind = signatureTypes.test(referrer.artifactType ?? '') ? 'signature' : 'referrer';
    found.push(attach(kind, digestTag(referrer.digest), one, repository));
    found.push(...(await lookUp(collector, { ...repository }, referrer.digest, run)));
  }
  if (referrers.length > 0) found.push(await fallbackIndex(collector, digest, referrers, run));
  return found;
}

/** The referrers' index for registries without the referrers API, made here so that it names what is carried, whatever the source has. */
async function fallbackIndex(
  collector: Collector,
  digest: Digest,
  referrers: readonly Descriptor[],
  run: Run,
): Promise<Attached> {
  const manifests = [...referrers].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }));
  const own = digestOf(bytes);
  await collector.kept.put(bytes, run);
  gatherManifest(collector, own, bytes, mediaTypes.ociIndex);
  return {
    kind: 'referrers-index',
    tag: digestTag(digest),
    digest: own,
    mediaType: mediaTypes.ociIndex,
    source: 'kept:',
  };
}

async function findClosure(collector: Collector, reference: Reference, run: Run): Promise<Closure | undefined> {
  try {
    return await readClosure(collector, reference, [], run);
  } catch (error) {
    if (isAirlockError(error, 'MANIFEST_UNKNOWN')) return undefined;
    // In an enclave the mirrors of registries.conf are there, and the original hosts are not.
    if (isAirlockError(error, 'REGISTRY_UNREACHABLE') && error.details['absentAtMirror'] === true) return undefined;
    throw error;
  }
}

function attach(
  kind: Attached['kind'],
  tag: string,
  closure: Closure,
  repository: Pick<Reference, 'registry' | 'repository'>,
): Attached {
  const { digest, mediaType } = closure.root;
  return { kind, tag, digest, mediaType, source: `${repositoryText(repository)}@${digest}` };
}
