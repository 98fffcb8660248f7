import { createHash } from 'node:crypto';
import type { DiskFile } from '../core/disk.ts';
import { AirlockError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import { assertRunning, type Run } from '../core/run.ts';
import type { Bundle, BundleVolume } from './bundle.ts';
import { type ScannedMember, scanVolume } from './scan.ts';
import { SequentialReader } from './sequential-reader.ts';
import { paddingOf } from './tar-header.ts';
import { findUnfinished } from './unfinished.ts';
import type { Damage, VolumeCheck } from './verify-volumes.ts';

/**
 * Looks at the volumes of real oc-mirror: header checksums, padding, link files, and the digest of every blob; where an Airlock index says
 * what the whole volume must be, that too. Without such an index files of `working-dir` have no digest that they could be checked by.
 */
export async function checkForeign(bundle: Bundle, run: Run): Promise<VolumeCheck> {
  const damages: Damage[] = [];
  let checkedBytes = 0;
  for (const volume of bundle.volumes) {
    assertRunning(run);
    const { name, sizeBytes, foundBytes } = volume;
    if (foundBytes === undefined) damages.push({ volume: name, offset: 0, bytes: sizeBytes, part: 'missing' });
    else {
      if (foundBytes !== sizeBytes) {
        const bytes = Math.abs(foundBytes - sizeBytes);
        damages.push({ volume: name, offset: Math.min(foundBytes, sizeBytes), bytes, part: 'size' });
      }
      damages.push(...(await checkVolume(bundle, volume, run)));
      checkedBytes += foundBytes;
    }
    run.report({ stage: 'verify', subject: name, state: 'finished', doneBytes: sizeBytes, totalBytes: sizeBytes });
  }
  return { damages, checkedBytes };
}

async function checkVolume(bundle: Bundle, volume: BundleVolume, run: Run): Promise<Damage[]> {
  const sizeBytes = volume.foundBytes ?? 0;
  const file = await run.disk.open(volume.path, 'read').catch((error: unknown) => {
    throw diskError(error, volume.path, 'read');
  });
  const damages: Damage[] = [];
  const known = new Map(bundle.index.repositories.map(({ name, revisions }) => [name, new Set<string>(revisions)]));
  const isWhole = findUnfinished(bundle) === undefined;
  let end = 0;
  try {
    for await (const member of scanVolume(file, sizeBytes, volume.name)) {
      assertRunning(run);
      end = member.dataOffset + member.size;
      const { name: subject, sizeBytes: totalBytes } = volume;
      run.report({ stage: 'verify', subject, state: 'active', doneBytes: end, totalBytes });
      // Of a set that is not whole the revisions of a tag may be in a volume that is not here.
      const damage =
        (await checkMember(file, member, volume.name)) ??
        (isWhole ? await checkTag(file, member, volume.name, known) : undefined);
      if (damage) damages.push(damage);
    }
    // After the last member there are only zeros.
    damages.push(...(await checkZeros(file, end, sizeBytes, volume.name)));
  } catch (error) {
    if (!(error instanceof AirlockError)) throw diskError(error, volume.path, 'read');
    damages.push({ volume: volume.name, offset: end, bytes: sizeBytes - end, part: 'frame', member: error.message });
  } finally {
    await file.close();
  }
  const { sha256 } = bundle.index.volumes.find((one) => one.name === volume.name) ?? {};
  if (sha256 !== undefined && damages.length === 0 && (await hashRange(volume, sizeBytes, run)) !== sha256)
    damages.push({ volume: volume.name, offset: 0, bytes: sizeBytes, part: 'data' });
  return damages;
}

async function checkMember(file: DiskFile, member: ScannedMember, volume: string): Promise<Damage | undefined> {
  const { path, size, dataOffset } = member;
  const at = { volume, offset: dataOffset, bytes: size, member: path };
  const hex = /^docker\/registry\/v2\/blobs\/sha256\/..\/([0-9a-f]{64})\/data$/.exec(path)?.[1];
  const link = /^docker\/registry\/v2\/repositories\/.*\/sha256\/([0-9a-f]{64})\/link$/.exec(path)?.[1];
  const hash = createHash('sha256');
  const reader = new SequentialReader(file, dataOffset, dataOffset + size + paddingOf(size));
  let padded = true;
  let done = 0;
  for (let piece = await reader.take(1 << 20); piece.length > 0; piece = await reader.take(1 << 20)) {
    const data = piece.subarray(0, Math.max(0, Math.min(piece.length, size - done)));
    if (hex !== undefined || link !== undefined) hash.update(data);
    if (piece.subarray(data.length).some((byte) => byte !== 0)) padded = false;
    done += piece.length;
  }
  if (!padded) return { ...at, offset: dataOffset + size, bytes: paddingOf(size), part: 'frame' };
  if (hex === undefined && link === undefined) return undefined;
  const wanted = hex ?? createHash('sha256').update(`sha256:${link}`).digest('hex');
  return hash.digest('hex') === wanted ? undefined : { ...at, part: 'data' };
}

/** A tag means a manifest of its repository: the link tree of an archive is whole also when its blobs are in an earlier one. */
async function checkTag(
  file: DiskFile,
  { path, size, dataOffset }: ScannedMember,
  volume: string,
  revisions: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<Damage | undefined> {
  const repository = /^docker\/registry\/v2\/repositories\/(.*)\/_manifests\/tags\/[^/]+\/current\/link$/.exec(
    path,
  )?.[1];
  if (repository === undefined) return undefined;
  const digest = (await new SequentialReader(file, dataOffset, dataOffset + size).take(size)).toString('latin1');
  if (revisions.get(repository)?.has(digest)) return undefined;
  return { volume, offset: dataOffset, bytes: size, member: path, part: 'data' };
}

async function checkZeros(file: DiskFile, end: number, sizeBytes: number, volume: string): Promise<Damage[]> {
  const start = end + paddingOf(end);
  const reader = new SequentialReader(file, start, sizeBytes);
  for (let offset = start, piece = await reader.take(1 << 20); piece.length > 0; piece = await reader.take(1 << 20)) {
    const at = piece.findIndex((byte) => byte !== 0);
    if (at !== -1) return [{ volume, offset: offset + at, bytes: 1, part: 'frame' }];
    offset += piece.length;
  }
  return [];
}

async function hashRange(volume: BundleVolume, sizeBytes: number, run: Run): Promise<string> {
  const file = await run.disk.open(volume.path, 'read');
  const hash = createHash('sha256');
  try {
    const reader = new SequentialReader(file, 0, sizeBytes);
    for (let piece = await reader.take(1 << 20); piece.length > 0; piece = await reader.take(1 << 20))
      hash.update(piece);
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}
