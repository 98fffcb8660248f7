import type { Run } from '../../core/run.ts';
import { expandShortName, formatReference, type Platform, parseReference, type Reference } from '../../oci/index.ts';
import type { ImageType, SelectedImage, TargetName } from '../../plan/index.ts';
import { assertStorageName } from '../naming.ts';
import { findAttached } from './attached.ts';
import { type Closure, readClosure } from './closure.ts';
import { type Attached, addNote, type Collector, orMissing, repositoryText } from './collector.ts';

/** An image that the set asks for. */
export interface ImageRequest {
  readonly type: ImageType;
  /** As it stood in config, payload or catalog. */
  readonly origin: string;
  /** What to pull when it is not the origin. */
  readonly pull?: Reference;
  /** Name in the storage tree. */
  readonly repository: string;
  readonly tag: string;
  /** Names at the target when they are not the name above. */
  readonly targets?: readonly TargetName[];
  readonly platforms?: readonly Platform[];
  readonly reason: string;
  readonly operators?: NonNullable<SelectedImage['operators']>;
  /** Its signatures and referrers do not follow it (originals of rebuilt catalogs at the target). */
  readonly withoutAttached?: boolean;
}

/**
 * Adds an image, its signatures and referrers. What cannot be read becomes an entry of `missing` and the answer is undefined; so it is,
 * without an entry, for a blocked one.
 */
export async function addImage(
  collector: Collector,
  given: ImageRequest,
  run: Run,
): Promise<{ readonly image: SelectedImage; readonly closure: Closure } | undefined> {
  const request = given.type === 'generic' ? given : withRegistry(collector, given, run);
  const targets = targetsOf(request);
  if (isBlocked(collector, request)) return undefined;
  return orMissing(collector, { ...request, digest: request.pull?.digest }, async () => {
    assertStorageName(request, request.origin);
    const reference = request.pull ?? parseReference(request.origin);
    const closure = await readClosure(collector, reference, request.platforms ?? [], run);
    const attached = request.withoutAttached ? [] : await findAttached(collector, reference, closure, request, run);
    const image: SelectedImage = {
      type: request.type,
      origin: request.origin,
      source: `${repositoryText(reference)}@${closure.root.digest}`,
      repository: request.repository,
      tag: request.tag,
      targets,
      digest: closure.root.digest,
      mediaType: closure.root.mediaType,
      absent: closure.absent,
      signature: collector.options.removeSignatures
        ? 'not-checked'
        : attached.some((one) => one.kind === 'signature')
          ? 'signed'
          : 'unsigned',
      reason: request.reason,
      ...(request.operators ? { operators: request.operators } : {}),
    };
    collector.images.push(image);
    addAttached(collector, request, targets, attached);
    run.report({ stage: 'plan', state: 'active', subject: request.origin });
    return { image, closure };
  });
}

/**
 * Nobody edits the names in somebody else's chart or catalog, so one without a registry is one of Docker Hub there, as to oc-mirror. It is stored under
 * the name that oc-mirror gives it, and known by its whole one, the only one that a mirror set can have.
 */
function withRegistry(collector: Collector, request: ImageRequest, run: Run): ImageRequest {
  if (request.pull) return request;
  let pull: Reference | undefined;
  try {
    pull = expandShortName(request.origin);
  } catch {
    // Said of the name as it stands, where it is read.
  }
  if (!pull || isBlocked(collector, request)) return request;
  const origin = formatReference(pull);
  const message = `read as ${origin}; nodes look there only with docker.io among their unqualified-search-registries`;
  addNote(collector, { code: 'IMAGE_NAME_SHORT', subject: request.origin, message }, run);
  return { ...request, origin, pull };
}

/** Adds the signatures and referrers of an image beside it, under the same origin, so that mirror sets know no more than the image itself. */
export function addAttached(
  collector: Collector,
  owner: Pick<ImageRequest, 'type' | 'origin' | 'repository'>,
  targets: readonly TargetName[],
  attached: readonly Attached[],
): void {
  for (const one of attached) {
    collector.images.push({
      type: owner.type,
      origin: owner.origin,
      source: one.source,
      repository: owner.repository,
      tag: one.tag,
      targets: targets.map((target) => ({ repository: target.repository, tag: one.tag })),
      digest: one.digest,
      mediaType: one.mediaType,
      absent: [],
      // Whether somebody signed a signature is not asked.
      signature: 'not-checked',
      reason: `${one.kind} of ${owner.origin}`,
    });
  }
}

/**
 * Blocked as in oc-mirror (reference §8.2): a pattern is found in the origin or in the name that it would get. Of that name the host is left out and
 * its slash stays, so that `^acme/` finds as little here as there, and `/acme/` as much.
 */
export function isBlocked(collector: Collector, request: ImageRequest): boolean {
  const names = targetsOf(request).map((target) => `/${target.repository}:${target.tag}`);
  return collector.isBlocked(request.origin, `/${request.repository}:${request.tag}`, ...names);
}

function targetsOf(request: ImageRequest): readonly TargetName[] {
  return request.targets ?? [{ repository: request.repository, tag: request.tag }];
}
