import path from 'node:path';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import { diskError, findFile, removeTemporaries, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { digestHex, digestOf } from '../oci/index.ts';
import { type KeptBlobs, type Plan, parsePlan } from '../plan/index.ts';
import type { MissingMember } from './bring.ts';
import { findVolumes } from './bundle.ts';
import { type ContentSources, createWanted, measureFile, planDigest, type WantedMember } from './contents.ts';
import type { OpenVolumeFile } from './fill.ts';
import { type FillPiece, fillVolumes, pieceMembers } from './fill-volumes.ts';
import { type BundleIndex, generationText, volumeName } from './format.ts';
import { gatherSmall } from './gather.ts';
import { renderIndex } from './index-text.ts';
import { type Journal, openJournal } from './journal.ts';
import { layoutVolumes, planBytes } from './layout.ts';
import { openBundle } from './open.ts';
import { findRecord, type GenerationRecord, writeRecord } from './records.ts';
import { recordOfSealed } from './recover-records.ts';
import { readBack, sideNames } from './seal.ts';
import { type IndexFacts, type Segment, volumeSegments } from './segments.ts';
import { signIndex } from './sign-index.ts';
import type { Damage } from './verify-volumes.ts';

export interface BuildOptions {
  readonly plan: Plan;
  /** DIR: each generation gets a folder of its own in it. */
  readonly folder: string;
  /** Where generation records lie; default `DIR/.airlock`. */
  readonly workspace?: string;
  readonly kept: KeptBlobs;
  readonly sources: ContentSources;
  readonly parallelBlobs: number;
  /** ECDSA P-256, PEM; left out: the bundle is unsigned. */
  readonly signingKeyPem?: string;
  /** The executable that goes along as `airlock/bin/airlock`. */
  readonly toolFile?: string;
}

/** How a build ended. Only `sealed` leaves a bundle under its final name; the others go on where they stopped when they are run again. */
export type BuildOutcome =
  | { readonly kind: 'sealed'; readonly folder: string; readonly record: GenerationRecord; readonly resumed: boolean }
  | {
      /** `failed`: a release image is among the missing. */
      readonly kind: 'incomplete' | 'failed';
      readonly folder: string;
      readonly missing: readonly MissingMember[];
    };

/** A build that was interrupted: it goes on with its own plan. */
export interface InterruptedBuild {
  readonly folder: string;
  readonly plan: Plan;
}

/** Folders of a generation below DIR. */
export function generationFolders(
  folder: string,
  generation: number,
): { readonly final: string; readonly partial: string } {
  const final = path.join(folder, `gen-${generationText(generation)}`);
  return { final, partial: `${final}.partial` };
}

/** The newest unfinished build below DIR, undefined when there is none. Its plan is what a plain re-run has to use. @throws AirlockError PLAN_INVALID */
export async function findInterruptedBuild(folder: string, run: Run): Promise<InterruptedBuild | undefined> {
  const partial = (await run.disk.list(folder)).filter((entry) => /^gen-[0-9]{6}\.partial$/.test(entry.name)).at(-1);
  if (!partial) return undefined;
  const where = path.join(folder, partial.name);
  const text = await findFile(path.join(where, sideNames.plan), run, 1 << 30);
  return text ? { folder: where, plan: parsePlan(text.toString('utf8'), path.join(where, sideNames.plan)) } : undefined;
}

/**
 * Builds the bundle of a plan: lays the volumes out in `DIR/gen-NNNNNN.partial`, fills blobs in parallel at their offsets, reads everything
 * back, gives the folder its final name and writes the generation record last. Run again after an interruption it continues inside the
 * blob where it stopped. The same plan and tool give the same bytes. The caller holds the workspace's lock (`acquireLock`).
 * @throws AirlockError DISK_FULL, FILE_UNWRITABLE, BUNDLE_DAMAGED, GENERATION_EXISTS, PLAN_UNUSABLE, SIGNING_KEY_INVALID, CANCELLED
 * @see docs/formats/bundle.md
 */
export async function buildBundle(options: BuildOptions, run: Run): Promise<BuildOutcome> {
  try {
    return await build(options, run);
  } catch (error) {
    throw diskError(error, options.folder, 'write');
  }
}

async function build(options: BuildOptions, run: Run): Promise<BuildOutcome> {
  const { plan, folder } = options;
  const workspace = options.workspace ?? path.join(folder, '.airlock');
  const { final, partial } = generationFolders(folder, plan.generation);
  const before = await recoverSealed(options, workspace, final, run);
  if (before) return before;
  await preparePartial(partial, plan, run);
  const session = await openSession(options, partial, run);
  let record: GenerationRecord;
  try {
    const pieces = await frameVolumes(session, createWanted(options), run);
    const missing = await fillVolumes({ ...session, pieces, parallel: options.parallelBlobs }, run);
    if (missing.length > 0 || plan.missing.length > 0) return incomplete(plan, partial, missing);
    record = await readBack(partial, session.index, session.indexBytes, session.facts, run).catch(async (error) => {
      await forgetDamaged(error, session, pieces.flatMap(pieceMembers), path.join(partial, sideNames.journal), run);
      throw error;
    });
  } finally {
    await closeSession(session);
  }
  await run.disk.syncDirectory(partial);
  await run.disk.rename(partial, final);
  await run.disk.syncDirectory(folder);
  await writeRecord(workspace, record, run);
  await cleanUp(options, final, run);
  return { kind: 'sealed', folder: final, record, resumed: session.resumed };
}

/** Everything that is open while volumes are filled. */
interface Session {
  readonly index: BundleIndex;
  readonly indexBytes: Buffer;
  readonly facts: IndexFacts;
  readonly journal: Journal;
  readonly volumes: ReadonlyMap<number, OpenVolumeFile>;
  readonly resumed: boolean;
}

/** A crash between the last rename and the record leaves a whole bundle that nobody remembers. */
async function recoverSealed(
  options: BuildOptions,
  workspace: string,
  final: string,
  run: Run,
): Promise<BuildOutcome | undefined> {
  if (!(await run.disk.stat(final))) return undefined;
  const [bundle] = await openBundle(final, run);
  const { generation } = options.plan;
  if (!bundle || bundle.index.planDigest !== planDigest(options.plan)) {
    throw new AirlockError(
      'GENERATION_EXISTS',
      `generation ${generation} is in ${final} already, made from another plan`,
      {
        hint: 'plan again: the next generation gets its own number',
      },
    );
  }
  const known = await findRecord(workspace, generation, run);
  const record = known ?? (await recordOfSealed(bundle, run));
  if (!known) await writeRecord(workspace, record, run);
  await cleanUp(options, final, run);
  return { kind: 'sealed', folder: final, record, resumed: true };
}

/** Makes the folder of the unfinished generation; one of another plan is dropped. */
async function preparePartial(partial: string, plan: Plan, run: Run): Promise<void> {
  const file = path.join(partial, sideNames.plan);
  const bytes = planBytes(plan);
  const there = await findFile(file, run, 1 << 30);
  if (there && digestOf(there) === digestOf(bytes)) {
    // Half-written side files of a run that was killed would end up in the sealed folder.
    await removeTemporaries(partial, run);
    return;
  }
  await run.disk.remove(partial);
  await writeFileAtomic(file, bytes, run);
}

async function openSession(options: BuildOptions, partial: string, run: Run): Promise<Session> {
  const tool = options.toolFile === undefined ? undefined : await measureFile(options.toolFile, run);
  const index = layoutVolumes(options.plan, tool ? { tool } : {});
  const indexBytes = renderIndex(index);
  const sha256 = digestHex(digestOf(indexBytes));
  const signature = await signIndex(partial, indexBytes, options.signingKeyPem, run);
  const facts = { sizeBytes: indexBytes.length, sha256, signature };
  const found = await findVolumes(partial, index, facts, run);
  // A volume that is gone or cut says that the journal speaks of other files: nothing is believed then.
  const whole = found.every((volume) => volume.foundBytes === volume.sizeBytes);
  const journalFile = path.join(partial, sideNames.journal);
  if (!whole) await run.disk.remove(journalFile);
  const journal = await openJournal(journalFile, `${sha256} ${signature}`, run);
  const volumes = new Map<number, OpenVolumeFile>();
  const session = { index, indexBytes, facts, journal, volumes, resumed: journal.progress.frame };
  try {
    for (const volume of found) {
      const file = await run.disk.open(volume.path, 'write');
      volumes.set(volume.volume, { path: volume.path, file });
      if (volume.foundBytes !== volume.sizeBytes) await file.truncate(volume.sizeBytes);
    }
  } catch (error) {
    await closeSession(session);
    throw diskError(error, partial, 'write');
  }
  return session;
}

/**
 * Writes all that follows from the index, unless it is there, but for the frames of small members, which are written with them; lists what
 * has to be brought.
 */
async function frameVolumes(
  session: Session,
  want: (segment: Extract<Segment, { kind: 'data' }>) => WantedMember,
  run: Run,
): Promise<FillPiece[]> {
  const { journal, volumes, indexBytes } = session;
  const framed = journal.progress.frame;
  const pieces: FillPiece[] = [];
  for (const segment of gatherSmall(volumeSegments(session.index, session.facts))) {
    const isIndex = segment.kind === 'data' && segment.content.kind === 'index';
    if (segment.kind === 'gathered') pieces.push({ ...segment, members: segment.data.map(want) });
    else if (segment.kind === 'data' && !isIndex) pieces.push(want(segment));
    else if (!framed) {
      const target = volumes.get(segment.volume);
      const bytes = segment.kind === 'static' ? segment.bytes : indexBytes;
      await target?.file.write(bytes, segment.offset).catch((error: unknown) => {
        throw diskError(error, target.path, 'write');
      });
    }
  }
  if (framed) return pieces;
  for (const { path: file, file: handle } of volumes.values()) {
    await handle.sync().catch((error: unknown) => {
      throw diskError(error, file, 'write');
    });
  }
  await run.disk.syncDirectory(path.dirname([...volumes.values()][0]?.path ?? '.'));
  await journal.append([{ kind: 'frame' }]);
  return pieces;
}

/** What the disk gave back wrong is not believed again: the next run brings it once more, and all of it when more than data is hit. */
async function forgetDamaged(
  error: unknown,
  { journal }: Session,
  members: readonly WantedMember[],
  journalFile: string,
  run: Run,
): Promise<void> {
  if (!isAirlockError(error, 'BUNDLE_DAMAGED')) return;
  const damages = (error.details['damages'] ?? []) as readonly Damage[];
  const lost = damages.map(({ volume, offset }) =>
    members.find((one) => one.offset === offset && volumeName(one.volume) === volume),
  );
  if (lost.every((one) => one !== undefined))
    await journal.append(lost.map(({ expected }) => ({ kind: 'lost', member: expected.name })));
  else await run.disk.remove(journalFile);
}

async function closeSession(session: Session): Promise<void> {
  await session.journal.close().catch(() => {});
  for (const { file } of session.volumes.values()) await file.close().catch(() => {});
}

function incomplete(plan: Plan, folder: string, missing: readonly MissingMember[]): BuildOutcome {
  const isRelease = (type: string): boolean => type === 'ocpRelease' || type === 'ocpReleaseContent';
  const names = new Set(plan.images.filter((image) => isRelease(image.type)).map((image) => image.repository));
  const vital = new Set<string>();
  for (const repository of plan.repositories) {
    if (!names.has(repository.name)) continue;
    for (const digest of [...repository.revisions, ...repository.layers]) vital.add(digest);
  }
  const failed = missing.some((one) => vital.has(one.name)) || plan.missing.some((one) => isRelease(one.type));
  return { kind: failed ? 'failed' : 'incomplete', folder, missing };
}

/**
 * Drops what is no longer needed: the journal, and what the workspace kept of the blobs that now lie in the bundle. Manifests stay, being
 * small: the next plan needs them again.
 */
async function cleanUp(options: BuildOptions, final: string, run: Run): Promise<void> {
  await run.disk.remove(path.join(final, sideNames.journal));
  for (const blob of options.plan.blobs) {
    if (blob.kept && blob.kind !== 'manifest') await run.disk.remove(options.kept.path(blob.digest));
  }
}
