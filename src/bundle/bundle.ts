import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { type Digest, digestHex, digestOf } from '../oci/index.ts';
import { type BundleIndex, type IndexedFile, volumeNumber } from './format.ts';
import { type IndexFacts, trueOffset, trueSize } from './segments.ts';

/** A volume's file. */
export interface BundleVolume {
  readonly volume: number;
  readonly name: string;
  readonly path: string;
  /** What its file should have. */
  readonly sizeBytes: number;
  /** What it has; undefined: it is not there. */
  readonly foundBytes: number | undefined;
}

/** An opened bundle: its index was read and checked, nothing else. */
export interface Bundle {
  readonly folder: string;
  /**
   * `airlock`: every byte follows from the index. `adopted`: volumes of real oc-mirror with an Airlock index before them. `foreign`: real
   * oc-mirror's alone; the index was made by looking through them, and its digest means nothing.
   */
  readonly kind: 'airlock' | 'adopted' | 'foreign';
  readonly index: BundleIndex;
  readonly indexDigest: Digest;
  readonly facts: IndexFacts;
  readonly volumes: readonly BundleVolume[];
  /** The parts of a volume in order, where volumes lie in parts; left out: a volume that is there is there whole. */
  readonly parts?: (volumePath: string) => readonly PartHere[];
}

/** A part of a volume, as far as it is on the media at hand. */
export interface PartHere {
  readonly name: string;
  /** Where in the volume it begins. */
  readonly offset: number;
  readonly size: number;
  /** What the part list says; not compared with its bytes. */
  readonly sha256: string;
  /** Its file, of the right size; undefined: it is on no medium at hand. */
  readonly file: string | undefined;
}

/** The volumes that an index names, as they lie in a folder. */
export async function findVolumes(
  folder: string,
  index: BundleIndex,
  facts: Pick<IndexFacts, 'sizeBytes'>,
  run: Run,
): Promise<BundleVolume[]> {
  const volumes: BundleVolume[] = [];
  for (const [at, { name }] of index.volumes.entries()) {
    const file = path.join(folder, name);
    const stat = await run.disk.stat(file);
    volumes.push({
      volume: volumeNumber(name) ?? 0,
      name,
      path: file,
      sizeBytes: trueSize(index, facts, at),
      foundBytes: stat?.kind === 'file' ? stat.sizeBytes : undefined,
    });
  }
  return volumes;
}

/** Volumes that are here with another size than the index says. Parts, and volumes of real oc-mirror, have no such size. */
export function findCutVolumes({
  kind,
  volumes,
  parts,
}: Bundle): { readonly name: string; readonly sizeBytes: number; readonly foundBytes: number }[] {
  if (kind === 'foreign' || parts) return [];
  return volumes.flatMap(({ name, sizeBytes, foundBytes }) =>
    foundBytes === undefined || foundBytes === sizeBytes ? [] : [{ name, sizeBytes, foundBytes }],
  );
}

/** Where a blob or file of the bundle lies on the disk. */
export function locateMember(
  bundle: Bundle,
  place: { readonly volume: number; readonly offset: number },
): { readonly path: string; readonly offset: number } {
  const volume = bundle.volumes.find((one) => one.volume === place.volume);
  if (!volume)
    throw new AirlockError('BUNDLE_INVALID', `the index names volume ${place.volume}, which it does not list`);
  const offset = bundle.kind === 'foreign' ? place.offset : trueOffset(bundle.index, bundle.facts, place);
  return { path: volume.path, offset };
}

/** The parts in which bytes of a stretch lie; undefined where volumes are whole. */
export function partsWithin(
  bundle: Bundle,
  { path, offset }: { readonly path: string; readonly offset: number },
  size: number,
): readonly PartHere[] | undefined {
  return bundle.parts?.(path).filter((part) => part.offset < offset + size && part.offset + part.size > offset);
}

/** Whether all bytes of a member are in the volumes and parts at hand. */
export function isHere(
  bundle: Bundle,
  { source, size }: { readonly source: ReturnType<typeof locateMember>; readonly size: number },
): boolean {
  if (partsWithin(bundle, source, size)?.some((part) => part.file === undefined)) return false;
  return bundle.volumes.some((volume) => volume.path === source.path && volume.foundBytes !== undefined);
}

/** Reads a whole small member. @throws AirlockError BUNDLE_DAMAGED when the volume ends before it, FILE_UNREADABLE */
export async function readMember(
  bundle: Bundle,
  place: { readonly volume: number; readonly offset: number; readonly size: number },
  run: Run,
): Promise<Buffer> {
  const { path: file, offset } = locateMember(bundle, place);
  return readStretch(file, offset, place.size, run);
}

/**
 * Reads a small file of the bundle and checks its sum; archives of real oc-mirror have none.
 * @throws AirlockError BUNDLE_DAMAGED, FILE_UNREADABLE
 */
export async function readCarriedFile(bundle: Bundle, file: IndexedFile, run: Run): Promise<Buffer> {
  const bytes = await readMember(bundle, file, run);
  if (file.sha256 === '' || digestHex(digestOf(bytes)) === file.sha256) return bytes;
  const { path: volume, offset } = locateMember(bundle, file);
  throw new AirlockError(
    'BUNDLE_DAMAGED',
    `${file.path} in ${path.basename(volume)} (byte ${offset}) is damaged: its bytes do not have their digest`,
    {
      hint: 'run `airlock verify` to see all damage, and copy the volume again',
      details: { volume: path.basename(volume), offset, bytes: file.size, member: file.path },
    },
  );
}

/** Reads a stretch of a volume. @throws AirlockError BUNDLE_DAMAGED when the volume ends before it, FILE_UNREADABLE */
export async function readStretch(file: string, offset: number, size: number, run: Run): Promise<Buffer> {
  try {
    const handle = await run.disk.open(file, 'read');
    try {
      const bytes = Buffer.allocUnsafe(size);
      for (let done = 0; done < size; ) {
        const count = await handle.read(bytes.subarray(done), offset + done);
        if (count === 0)
          throw new AirlockError('BUNDLE_DAMAGED', `${file} ends at byte ${offset + done}, within a member`);
        done += count;
      }
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw diskError(error, file, 'read');
  }
}
