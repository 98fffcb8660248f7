import { errorText, isAirlockError } from '../../core/errors.ts';
import type { Finding } from '../../core/findings.ts';
import { hostPort } from '../../core/ip.ts';
import { createLimit, type Limit } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import {
  childManifests,
  type Descriptor,
  type Digest,
  type FetchedManifest,
  formatReference,
  manifestBlobs,
  parseManifest,
  parseReference,
  type Reference,
} from '../../oci/index.ts';
import { finding } from '../finding.ts';
import type { CheckClients, CheckedImage, CheckInput } from '../input.ts';
import type { CheckPart } from '../report.ts';

interface Walk {
  readonly clients: CheckClients;
  readonly registry: string;
  readonly limit: Limit;
  readonly run: Run;
  /** Manifests and blobs asked for, by repository and digest: shared layers are asked for once. */
  readonly manifests: Map<string, Promise<Finding[]>>;
  readonly blobs: Map<string, Promise<boolean>>;
}

/** Whether every image that clusters pull is found through the mirror rules, whole: manifest, instances and every blob. */
export async function checkImages(input: CheckInput, clients: CheckClients, run: Run): Promise<CheckPart> {
  const { host, port } = input.registry;
  const walk: Walk = {
    clients,
    registry: port === 443 ? host : hostPort(host, port),
    limit: createLimit(input.parallel ?? 8),
    run,
    manifests: new Map(),
    blobs: new Map(),
  };
  run.report({
    stage: 'check',
    state: 'total',
    totalBytes: 0,
    totalItems: input.images.length,
    doneBytes: 0,
    doneItems: 0,
  });
  const findings = await Promise.all(
    input.images.map(async (image) => {
      const found = await checkImage(image, walk);
      const failed = found.length > 0;
      run.report({ stage: 'check', subject: image.reference, state: failed ? 'failed' : 'finished' });
      return found;
    }),
  );
  return {
    findings: findings.flat(),
    counts: { images: input.images.length, manifests: walk.manifests.size, blobs: walk.blobs.size },
  };
}

async function checkImage(image: CheckedImage, walk: Walk): Promise<Finding[]> {
  let wanted: Reference;
  try {
    wanted = parseReference(image.reference);
  } catch (error) {
    return [finding('CHECK_REFERENCE_INVALID', image.reference, errorText(error), 'correct the image set')];
  }
  const places = walk.clients.mapReference(wanted).filter((place) => place.registry === walk.registry);
  if (places.length === 0)
    return [
      finding(
        'CHECK_NOT_MAPPED',
        image.reference,
        `no mirror rule leads from ${image.reference} to ${walk.registry}`,
        'emit and apply the mirror sets again',
      ),
    ];
  let missing: unknown;
  for (const place of places) {
    try {
      const manifest = await walk.limit(() => walk.clients.registry.fetchManifest(place, walk.run));
      if (manifest.digest !== image.digest)
        return [
          finding(
            'CHECK_MANIFEST_WRONG',
            image.reference,
            `${formatReference(place)} is ${manifest.digest}, mirrored was ${image.digest}`,
            'load the bundle again: the tag was moved',
          ),
        ];
      return await checkManifest(image, place, manifest, walk);
    } catch (error) {
      if (!isAirlockError(error, 'MANIFEST_UNKNOWN', 'REPOSITORY_UNKNOWN')) return [failed(image, place, error)];
      missing = error;
    }
  }
  return [
    finding(
      'CHECK_MANIFEST_MISSING',
      image.reference,
      `${places.map(formatReference).join(', ')} is not in the registry: ${errorText(missing)}`,
      'load the bundle again (airlock load)',
    ),
  ];
}

function failed(image: CheckedImage, place: Reference, error: unknown): Finding {
  if (isAirlockError(error, 'CANCELLED')) throw error;
  if (!isAirlockError(error)) throw error;
  return finding(
    'CHECK_REGISTRY_FAILED',
    image.reference,
    `${formatReference(place)}: ${errorText(error)}`,
    error.hint ?? 'look at the registry’s log',
  );
}

function checkManifest(
  image: CheckedImage,
  place: Reference,
  fetched: FetchedManifest,
  walk: Walk,
): Promise<Finding[]> {
  const key = `${place.repository}@${fetched.digest}`;
  const known = walk.manifests.get(key);
  // A manifest that two names share is walked once, and its findings are told once.
  if (known) return known.then(() => []);
  const task = walkManifest(image, place, fetched, walk);
  walk.manifests.set(key, task);
  return task;
}

async function walkManifest(
  image: CheckedImage,
  place: Reference,
  fetched: FetchedManifest,
  walk: Walk,
): Promise<Finding[]> {
  const manifest = parseManifest(fetched.bytes, fetched.mediaType);
  const absent = new Set<Digest>(image.absent ?? []);
  const children = childManifests(manifest).filter((child) => !absent.has(child.digest));
  const below = await Promise.all(children.map((child) => checkChild(image, place, child, walk)));
  const blobs = await Promise.all(manifestBlobs(manifest).map((blob) => checkBlob(image, place, blob, walk)));
  return [...below, ...blobs].flat();
}

async function checkChild(image: CheckedImage, place: Reference, child: Descriptor, walk: Walk): Promise<Finding[]> {
  const where: Reference = { registry: place.registry, repository: place.repository, digest: child.digest };
  if (walk.manifests.has(`${where.repository}@${child.digest}`)) return [];
  try {
    const fetched = await walk.limit(() => walk.clients.registry.fetchManifest(where, walk.run));
    return await checkManifest(image, where, fetched, walk);
  } catch (error) {
    if (!isAirlockError(error, 'MANIFEST_UNKNOWN', 'REPOSITORY_UNKNOWN')) return [failed(image, where, error)];
    return [
      finding(
        'CHECK_MANIFEST_MISSING',
        image.reference,
        `${formatReference(where)}, one of its instances, is not in the registry`,
        'load the bundle again (airlock load)',
      ),
    ];
  }
}

async function checkBlob(image: CheckedImage, place: Reference, blob: Descriptor, walk: Walk): Promise<Finding[]> {
  // Layers that Windows images only name by URL are carried by nobody.
  if ((blob.urls ?? []).length > 0) return [];
  const key = `${place.repository}@${blob.digest}`;
  const known = walk.blobs.get(key);
  const task = known ?? walk.limit(() => walk.clients.registry.hasBlob(place, blob, walk.run));
  walk.blobs.set(key, task);
  try {
    if (await task) return [];
  } catch (error) {
    return [failed(image, place, error)];
  }
  return [
    finding(
      'CHECK_BLOB_MISSING',
      image.reference,
      `${place.registry}/${place.repository} does not have blob ${blob.digest} (${blob.size} bytes)`,
      'load the bundle again (airlock load)',
    ),
  ];
}
