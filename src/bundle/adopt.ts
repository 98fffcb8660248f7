import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { diskError, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { digestFromHex, digestHex, digestOf } from '../oci/index.ts';
import type { KeptBlobs, Plan } from '../plan/index.ts';
import { hashArchive } from './adopt-hash.ts';
import { adoptedIndex, frontIndex, frontVolume } from './adopt-index.ts';
import type { MissingMember } from './bring.ts';
import { type BuildOutcome, generationFolders } from './build.ts';
import { type Bundle, findVolumes } from './bundle.ts';
import { type ContentSources, createWanted, measureFile, type WantedMember } from './contents.ts';
import { fillVolumes } from './fill-volumes.ts';
import { indexForeign } from './foreign.ts';
import { type BundleIndex, volumeName, volumeNumber } from './format.ts';
import { renderIndex } from './index-text.ts';
import { openJournal } from './journal.ts';
import { planBytes } from './layout.ts';
import { recordOf, writeRecord } from './records.ts';
import { sideNames } from './seal.ts';
import { checksumsText, type IndexFacts, volumeSegments } from './segments.ts';
import { signIndex } from './sign-index.ts';
import { checkVolumes } from './verify-volumes.ts';

export interface AdoptOptions {
  /** What the archive holds and what goes along, `engine: oc-mirror`. */
  readonly plan: Plan;
  /** From `openArchive`. */
  readonly archive: Bundle;
  /** DIR: the archive lies in `DIR/gen-NNNNNN.partial`. */
  readonly folder: string;
  readonly workspace: string;
  /** For the files of the front volume. */
  readonly kept: KeptBlobs;
  readonly sources: ContentSources;
  readonly parallelBlobs: number;
  readonly signingKeyPem?: string;
  readonly toolFile?: string;
  /** Called when all is there, before the leftovers are removed. */
  readonly beforeSeal?: () => Promise<void>;
  /** Names in the partial folder that are removed before it gets its final name. */
  readonly leftovers: readonly string[];
}

/**
 * Opens what a real mirror-to-disk run wrote into a folder. Volumes are looked through, not copied. An archive without its last member is the
 * rest of a failed build, however well its tars open.
 * @throws AirlockError BUNDLE_INVALID, FILE_UNREADABLE
 */
export async function openArchive(folder: string, run: Run): Promise<Bundle> {
  const names = (await run.disk.list(folder))
    .map((entry) => entry.name)
    .filter((name) => (volumeNumber(name) ?? frontVolume) !== frontVolume);
  const bundle = names.length === 0 ? undefined : await indexForeign(folder, names, run);
  if (bundle?.index.files.some((file) => file.path.startsWith('isc_'))) return bundle;
  const why = bundle ? 'its last member, isc_<time>, is not there' : 'there is none';
  throw new AirlockError('BUNDLE_INVALID', `${folder} holds no complete archive of oc-mirror: ${why}`, {
    hint: 'run the same command again',
  });
}

/**
 * Makes a bundle of an archive that real oc-mirror wrote, where it lies: reads it once, writes the front volume `mirror_000000.tar` with the
 * Airlock members, gives the folder its final name and writes the generation record last. Run again with the same plan it goes on.
 * @throws AirlockError BUNDLE_DAMAGED, DISK_FULL, FILE_UNWRITABLE, SIGNING_KEY_INVALID, CANCELLED
 * @see docs/formats/bundle.md
 */
export async function adoptArchive(options: AdoptOptions, run: Run): Promise<BuildOutcome> {
  try {
    return await adopt(options, run);
  } catch (error) {
    throw diskError(error, options.folder, 'write');
  }
}

async function adopt(options: AdoptOptions, run: Run): Promise<BuildOutcome> {
  const { plan, archive, folder, workspace } = options;
  const { final, partial } = generationFolders(folder, plan.generation);
  const absent = findAbsent(plan, archive);
  if (absent.length > 0) return { kind: 'incomplete', folder: partial, missing: absent };
  const sums = await hashArchive(archive, run);
  const tool = options.toolFile === undefined ? undefined : await measureFile(options.toolFile, run);
  const index = adoptedIndex(plan, archive, sums, tool ? { tool } : {});
  const indexBytes = renderIndex(index);
  const signature = await signIndex(partial, indexBytes, options.signingKeyPem, run);
  const facts = { sizeBytes: indexBytes.length, sha256: digestHex(digestOf(indexBytes)), signature };
  const missing = await fillFront(options, frontIndex(index), indexBytes, facts, run);
  if (missing.length > 0) return { kind: 'incomplete', folder: partial, missing };
  const front = await checkFront(partial, index, facts, run);
  const volumes = (await findVolumes(partial, index, facts, run)).map(({ name, sizeBytes }) => {
    return { name, sizeBytes, sha256: sums.volumes.get(name) ?? front };
  });
  await writeSides(partial, plan, indexBytes, facts, volumes, run);
  const record = recordOf(index, { indexDigest: digestFromHex(facts.sha256), signature, volumes });
  await options.beforeSeal?.();
  for (const name of [...options.leftovers, sideNames.journal]) await run.disk.remove(path.join(partial, name));
  await syncVolumes(archive, run);
  await run.disk.syncDirectory(partial);
  await run.disk.rename(partial, final);
  await run.disk.syncDirectory(folder);
  await writeRecord(workspace, record, run);
  return { kind: 'sealed', folder: final, record, resumed: false };
}

/** New blobs of the plan that the archive should hold and does not. */
function findAbsent(plan: Plan, archive: Bundle): MissingMember[] {
  const there = new Set(archive.index.blobs.map((blob) => blob.digest));
  return plan.blobs
    .filter((blob) => !there.has(blob.digest))
    .map(({ digest, size }) => {
      const cause = 'oc-mirror left it out of its archive, and no earlier generation carries it';
      return { name: digest, digest, size, code: 'BUNDLE_INVALID', cause };
    });
}

/** Writes the front volume: what follows from the index at once, then the files. What an earlier run brought is kept. */
async function fillFront(
  options: AdoptOptions,
  front: BundleIndex,
  indexBytes: Buffer,
  facts: IndexFacts,
  run: Run,
): Promise<readonly MissingMember[]> {
  const { partial } = generationFolders(options.folder, options.plan.generation);
  const file = path.join(partial, volumeName(frontVolume));
  if (!(await run.disk.stat(file))) await run.disk.remove(path.join(partial, sideNames.journal));
  const journal = await openJournal(path.join(partial, sideNames.journal), `${facts.sha256} ${facts.signature}`, run);
  try {
    const handle = await run.disk.open(file, 'write');
    try {
      const want = createWanted(options);
      const members: WantedMember[] = [];
      let end = 0;
      for (const segment of volumeSegments(front, facts)) {
        const isIndex = segment.kind === 'data' && segment.content.kind === 'index';
        const bytes = segment.kind === 'static' ? segment.bytes : isIndex ? indexBytes : undefined;
        if (bytes) await handle.write(bytes, segment.offset);
        else if (segment.kind === 'data') members.push(want(segment));
        end = segment.offset + (segment.kind === 'static' ? segment.bytes.length : segment.size);
      }
      await handle.truncate(end);
      await handle.sync();
      const volumes = new Map([[frontVolume, { path: file, file: handle }]]);
      return await fillVolumes({ pieces: members, volumes, journal, parallel: options.parallelBlobs }, run);
    } finally {
      await handle.close();
    }
  } finally {
    await journal.close();
  }
}

/** Reads the front volume back. Returns its digest. */
async function checkFront(partial: string, index: BundleIndex, facts: IndexFacts, run: Run): Promise<string> {
  const front = frontIndex(index);
  const volumes = await findVolumes(partial, front, facts, run);
  const { damages } = await checkVolumes(front, facts, volumes, 'build', run);
  const [first] = damages;
  if (!first) return (await measureFile(path.join(partial, volumeName(frontVolume)), run)).sha256;
  throw new AirlockError(
    'BUNDLE_DAMAGED',
    `${first.volume} gives back other bytes than were written, at byte ${first.offset} (${first.member ?? first.part})`,
    { hint: 'the disk or its controller is failing; build on another one', details: { damages } },
  );
}

async function writeSides(
  partial: string,
  plan: Plan,
  indexBytes: Buffer,
  facts: IndexFacts,
  volumes: readonly { readonly name: string; readonly sha256: string }[],
  run: Run,
): Promise<void> {
  const sums = volumes.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
  await writeFileAtomic(path.join(partial, sideNames.index), indexBytes, run);
  await writeFileAtomic(path.join(partial, sideNames.checksums), checksumsText(facts), run);
  await writeFileAtomic(path.join(partial, sideNames.signature), facts.signature, run);
  await writeFileAtomic(path.join(partial, sideNames.sums), sums, run);
  await writeFileAtomic(path.join(partial, sideNames.plan), planBytes(plan), run);
}

/** The binary does not sync what it writes. */
async function syncVolumes(archive: Bundle, run: Run): Promise<void> {
  for (const volume of archive.volumes) {
    const file = await run.disk.open(volume.path, 'write');
    await file.sync().finally(() => file.close());
  }
}
