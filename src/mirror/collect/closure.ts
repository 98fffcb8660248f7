import { AirlockError } from '../../core/errors.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import {
  childManifests,
  type Descriptor,
  type Digest,
  digestOf,
  formatPlatform,
  manifestBlobs,
  type Platform,
  parseManifest,
  type Reference,
} from '../../oci/index.ts';
import { type Collector, type GatheredManifest, repositoryText } from './collector.ts';

/** An image with everything it points at: what is carried, and the instances that the selection leaves out. */
export interface Closure {
  readonly root: GatheredManifest;
  /** Root and selected instances, each once. */
  readonly manifests: readonly GatheredManifest[];
  readonly absent: readonly Digest[];
}

const childrenAtOnce = 16;

/**
 * Reads an image's manifests, each once per collection; their bytes go to the workspace, so a later run asks only what tags mean.
 * `platforms` empty means all; on a single image it says nothing (reference §8.1).
 * @throws AirlockError MANIFEST_UNKNOWN, MANIFEST_INVALID, PLATFORM_UNKNOWN, REGISTRY_*
 */
export async function readClosure(
  collector: Collector,
  reference: Reference,
  platforms: readonly Platform[],
  run: Run,
): Promise<Closure> {
  const root = await readManifest(collector, reference, run);
  const absent: Digest[] = [];
  const found = new Map<Digest, GatheredManifest>();
  const walk = async (manifest: GatheredManifest): Promise<void> => {
    if (found.has(manifest.digest)) return;
    found.set(manifest.digest, manifest);
    const wanted = selectInstances(manifest, platforms, repositoryText(reference));
    for (const child of manifest.manifests) if (!wanted.includes(child)) absent.push(child.digest);
    await mapLimited(wanted, childrenAtOnce, async (child) => {
      await walk(await readManifest(collector, { ...withoutTag(reference), digest: child.digest }, run));
    });
  };
  await walk(root);
  return { root, manifests: [...found.values()], absent: [...new Set(absent)].filter((digest) => !found.has(digest)) };
}

/** One manifest by digest or tag, gathered. */
export async function readManifest(collector: Collector, reference: Reference, run: Run): Promise<GatheredManifest> {
  const key = reference.digest ?? `${repositoryText(reference)}:${reference.tag ?? ''}`;
  const known = collector.reading.get(key);
  if (known) return known;
  const reading = gather(collector, reference, run);
  collector.reading.set(key, reading);
  const manifest = await reading;
  if (!reference.digest && !collector.reading.has(manifest.digest)) collector.reading.set(manifest.digest, reading);
  return manifest;
}

async function gather(collector: Collector, reference: Reference, run: Run): Promise<GatheredManifest> {
  const kept = reference.digest ? await collector.kept.find(reference.digest, run) : undefined;
  const fetched = kept ? { bytes: kept, mediaType: undefined } : await fetchManifest(collector, reference, run);
  const digest = reference.digest ?? digestOf(fetched.bytes);
  if (!kept) await collector.kept.put(fetched.bytes, run);
  const manifest = gatherManifest(collector, digest, fetched.bytes, fetched.mediaType);
  const place = repositoryText(reference);
  if (!manifest.sources.includes(place)) manifest.sources.push(place);
  return manifest;
}

async function fetchManifest(
  collector: Collector,
  reference: Reference,
  run: Run,
): Promise<{ readonly bytes: Buffer; readonly mediaType: string | undefined }> {
  // A tag beside a digest means nothing to a registry; asking by digest is what oc-mirror does.
  const asked = reference.digest ? withoutTag(reference) : reference;
  return collector.limit(() => collector.source.fetchManifest(asked, run));
}

/** Adds a manifest whose bytes are at hand. Without sources it is content that Airlock made or read from a folder. */
export function gatherManifest(
  collector: Collector,
  digest: Digest,
  bytes: Buffer,
  contentType: string | undefined,
): GatheredManifest {
  const known = collector.manifests.get(digest);
  if (known) return known;
  const parsed = parseManifest(bytes, contentType);
  const manifest: GatheredManifest = {
    digest,
    mediaType: parsed.mediaType,
    size: bytes.length,
    manifests: childManifests(parsed),
    blobs: manifestBlobs(parsed),
    sources: [],
    keptBlobs: [],
  };
  collector.manifests.set(digest, manifest);
  return manifest;
}

/** The instances of an index that are wanted; all of them for no platforms. @throws AirlockError PLATFORM_UNKNOWN */
export function selectInstances(
  manifest: GatheredManifest,
  platforms: readonly Platform[],
  origin: string,
): readonly Descriptor[] {
  if (platforms.length === 0 || manifest.manifests.length === 0) return manifest.manifests;
  const matches = (child: Descriptor, wanted: Platform): boolean =>
    child.platform?.os === wanted.os &&
    child.platform.architecture === wanted.architecture &&
    (wanted.variant === undefined || wanted.variant === child.platform.variant);
  const isWanted = (child: Descriptor): boolean => platforms.some((wanted) => matches(child, wanted));
  // What says no platform may be for any.
  if (manifest.manifests.some(isWanted)) return manifest.manifests.filter((one) => !one.platform || isWanted(one));
  throw new AirlockError(
    'PLATFORM_UNKNOWN',
    `${origin} has no instance for ${platforms.map(formatPlatform).join(', ')}`,
  );
}

export function withoutTag(reference: Reference): Reference {
  return {
    registry: reference.registry,
    repository: reference.repository,
    ...(reference.digest ? { digest: reference.digest } : {}),
  };
}
