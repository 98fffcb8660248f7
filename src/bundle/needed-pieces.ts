import path from 'node:path';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { Digest } from '../oci/index.ts';
import { type Bundle, locateMember, type PartHere, partsWithin } from './bundle.ts';
import { hashStretch } from './copy-stretch.ts';
import type { Placement } from './place-data.ts';
import { readStretches, type Stretch, subtract, within } from './stretches.ts';

/** A member that is not whole yet, and the folder where pieces of it wait. */
export interface WaitingMember {
  readonly placement: Placement;
  readonly staging: string;
}

/** Names of the parts, or of the volumes where there are none, that hold bytes which are still to come. Sorted. */
export async function findNeededPieces(
  bundle: Bundle,
  waiting: readonly WaitingMember[],
  run: Run,
): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const { placement, staging } of waiting) {
    const { source, size, hex } = placement;
    const parts = partsWithin(bundle, source, size);
    if (!parts) {
      names.add(path.basename(source.path));
      continue;
    }
    const noted = await readStretches(path.join(staging, hex), size, run);
    for (const part of parts) if (subtract(within(part, source.offset, size), noted).length > 0) names.add(part.name);
  }
  return [...names].sort();
}

/** sha256 (bare hex) of parts that were read, by their file; '' for one that cannot be. */
export type PartSums = Map<string, string>;

/**
 * The parts at hand that hold bytes of a member and do not have their sum, or cannot be read. All their bytes are read, but for those in `sums`,
 * which takes what was read: many members may lie in one damaged part.
 */
export async function findDamagedParts(
  bundle: Bundle,
  { source, size }: Pick<Placement, 'source' | 'size'>,
  run: Run,
  sums: PartSums = new Map(),
): Promise<readonly PartHere[]> {
  const damaged: PartHere[] = [];
  for (const part of partsWithin(bundle, source, size) ?? []) {
    if (part.file === undefined) continue;
    const sum = sums.get(part.file) ?? (await sumOfPart(part.file, run));
    sums.set(part.file, sum);
    if (sum !== part.sha256) damaged.push(part);
  }
  return damaged;
}

async function sumOfPart(file: string, run: Run): Promise<string> {
  try {
    return await hashStretch({ path: file, offset: 0 }, () => {}, run);
  } catch (error) {
    if (isAirlockError(error, 'FILE_UNREADABLE')) return '';
    throw error;
  }
}

/** The error for a member of which these parts are to blame. */
export function partsDamaged(name: string, parts: readonly PartHere[]): AirlockError {
  const files = parts.map((part) => part.file ?? part.name).join(', ');
  return new AirlockError('BUNDLE_DAMAGED', `${name} is damaged: ${files} is not as the part list says`, {
    hint: 'copy that part again, or have it made again (airlock verify --need-list, airlock build --parts), and load it: what was loaded so far stays',
    details: { member: name, parts: parts.map((part) => part.name) },
  });
}

/** Of a bundle in parts nobody has the volume that an error names: the parts that are to blame take its place. Other errors come back unchanged. */
export async function blameParts(error: unknown, bundle: Bundle, run: Run): Promise<unknown> {
  if (!bundle.parts || !isAirlockError(error, 'BUNDLE_DAMAGED')) return error;
  const { volume, offset, bytes, member } = error.details;
  const file = bundle.volumes.find((one) => one.name === volume)?.path;
  if (file === undefined || typeof offset !== 'number' || typeof bytes !== 'number') return error;
  const bad = await findDamagedParts(bundle, { source: { path: file, offset }, size: bytes }, run);
  return bad.length > 0 ? partsDamaged(String(member), bad) : error;
}

/** The error for a blob that a bundle gave with other bytes than its digest says: with the parts that are to blame, where it lies in parts. */
export async function blobDamaged(
  digest: Digest,
  bundles: readonly Bundle[],
  run: Run,
  sums: PartSums = new Map(),
): Promise<AirlockError> {
  for (const bundle of bundles) {
    const blob = bundle.index.blobs.find((one) => one.digest === digest);
    if (!blob) continue;
    const source = locateMember(bundle, blob);
    const bad = await findDamagedParts(bundle, { source, size: blob.size }, run, sums);
    if (bad.length > 0) return partsDamaged(digest, bad);
    return new AirlockError(
      'BUNDLE_DAMAGED',
      `${digest} in ${path.basename(source.path)} (byte ${source.offset}) is damaged`,
      {
        hint: 'run `airlock verify` to see all damage, and copy the volume again; what was loaded so far stays',
      },
    );
  }
  return new AirlockError('BUNDLE_DAMAGED', `${digest} is damaged`, { hint: 'run `airlock verify`' });
}

/** What of a member lies in some parts. */
export function stretchesOf(
  parts: readonly PartHere[],
  { source, size }: Pick<Placement, 'source' | 'size'>,
): Stretch[] {
  return parts.map((part) => within(part, source.offset, size));
}
