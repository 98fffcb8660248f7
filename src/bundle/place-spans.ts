import { createHash } from 'node:crypto';
import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { diskError, removeTemporaries, writeFileAtomic } from '../core/files.ts';
import { canonicalJson } from '../core/json.ts';
import { assertRunning, type Run } from '../core/run.ts';
import type { Bundle } from './bundle.ts';
import { readFileFrom } from './contents.ts';
import type { FileNeed } from './load-space.ts';
import { findDamagedParts, partsDamaged, stretchesOf } from './needed-pieces.ts';
import { openSource, type Placement } from './place-data.ts';
import { join, readStretches, type Stretch, stretchesHere, subtract } from './stretches.ts';

/**
 * Places members that a cut divides between media: each medium's bytes are written once, where they will stay, and what is there is noted
 * beside. A member gets its name when its last byte is there and its digest is right. Returns the placements that are whole now.
 * @throws AirlockError BUNDLE_DAMAGED, DISK_FULL, FILE_UNWRITABLE
 */
export async function placeSpans(
  placements: readonly Placement[],
  bundle: Bundle,
  staging: string,
  run: Run,
): Promise<ReadonlySet<Placement>> {
  const whole = new Set<Placement>();
  // Notes that a run which lost its power was about to write.
  await removeTemporaries(staging, run);
  for (const placement of placements) {
    assertRunning(run);
    const { size } = placement;
    const here = stretchesHere(bundle, placement);
    const file = path.join(staging, placement.hex);
    const known = await readStretches(file, size, run);
    const fresh = here.flatMap((stretch) => subtract(stretch, known));
    if (fresh.length > 0) await writeStretches(placement, file, fresh, run);
    const now = join([...known, ...fresh]);
    if (fresh.length > 0) await writeFileAtomic(`${file}.json`, canonicalJson(now), run);
    if (!isWhole(now, size, here)) continue;
    if (!(await hasDigest(placement, file, run))) await mend(placement, bundle, file, now, run);
    await finish(placement, file, run);
    whole.add(placement);
  }
  if ((await run.disk.list(staging)).length === 0) await run.disk.remove(staging);
  return whole;
}

/** What `placeSpans` would write: of each member the bytes that are here and do not lie in `staging` yet. */
export async function measureSpans(
  placements: readonly Placement[],
  bundle: Bundle,
  staging: string,
  run: Run,
): Promise<FileNeed[]> {
  const needs: FileNeed[] = [];
  for (const placement of placements) {
    const here = stretchesHere(bundle, placement);
    if (here.length === 0) continue;
    const target = path.join(staging, placement.hex);
    const known = await readStretches(target, placement.size, run);
    const fresh = here.flatMap((stretch) => subtract(stretch, known));
    if (fresh.length > 0) needs.push({ target, size: fresh.reduce((sum, [from, to]) => sum + to - from, 0) });
  }
  return needs;
}

/** Those that `placeSpans` would complete with what earlier media left in `staging`; nothing is written. */
export async function findJoined<P extends Placement>(
  placements: readonly P[],
  bundle: Bundle,
  staging: string,
  run: Run,
): Promise<P[]> {
  const joined: P[] = [];
  for (const placement of placements) {
    const here = stretchesHere(bundle, placement);
    const known = await readStretches(path.join(staging, placement.hex), placement.size, run);
    if (isWhole(join([...known, ...here]), placement.size, here)) joined.push(placement);
  }
  return joined;
}

function isWhole([first]: readonly Stretch[], size: number, here: readonly Stretch[]): boolean {
  return size === 0 ? here.length > 0 : first?.[0] === 0 && first[1] === size;
}

async function writeStretches(placement: Placement, file: string, stretches: readonly Stretch[], run: Run) {
  const { source, mode } = placement;
  try {
    await run.disk.makeDirectory(path.dirname(file));
    const from = await openSource(source.path, run);
    const to = await run.disk.open(file, 'write', mode);
    try {
      const buffer = Buffer.allocUnsafe(1 << 20);
      for (const [start, end] of stretches) {
        for (let done = start; done < end; ) {
          assertRunning(run);
          const count = await from.read(buffer.subarray(0, Math.min(buffer.length, end - done)), source.offset + done);
          if (count === 0) throw new AirlockError('BUNDLE_DAMAGED', `${source.path} ends within ${placement.name}`);
          await to.write(buffer.subarray(0, count), done);
          done += count;
        }
      }
      // Noted only after it is safe.
      await to.sync();
    } finally {
      await Promise.all([from.close(), to.close()]);
    }
  } catch (error) {
    throw diskError(error, file, 'write');
  }
}

async function hasDigest({ algorithm, hex }: Placement, file: string, run: Run): Promise<boolean> {
  const hash = createHash(algorithm);
  for await (const chunk of readFileFrom(file, 0, run)) {
    assertRunning(run);
    hash.update(chunk);
  }
  return hash.digest('hex') === hex;
}

/**
 * Finds out which pieces of a member with the wrong digest are to blame. Where the parts that are here are right, their bytes take the place of what
 * earlier media brought, and that may do. Otherwise what is known to be wrong is forgotten, and the rest waits for it to come again.
 * @throws AirlockError BUNDLE_DAMAGED, unless the member has its digest now
 */
async function mend(
  placement: Placement,
  bundle: Bundle,
  file: string,
  now: readonly Stretch[],
  run: Run,
): Promise<void> {
  const bad = await findDamagedParts(bundle, placement, run);
  const wrong = stretchesOf(bad, placement);
  const right = stretchesHere(bundle, placement).flatMap((stretch) => subtract(stretch, join(wrong)));
  if (right.length > 0) await writeStretches(placement, file, right, run);
  if (bad.length === 0 && (await hasDigest(placement, file, run))) return;
  const kept = bad.length > 0 ? now.flatMap((stretch) => subtract(stretch, join(wrong))) : right;
  if (bundle.parts && kept.length > 0) await writeFileAtomic(`${file}.json`, canonicalJson(join(kept)), run);
  else {
    await run.disk.remove(file);
    await run.disk.remove(`${file}.json`);
  }
  if (bad.length > 0) throw partsDamaged(placement.name, bad);
  throw new AirlockError('BUNDLE_DAMAGED', `${placement.name} is damaged: its bytes do not have their digest`, {
    hint: bundle.parts
      ? 'the parts here are right, so that an earlier medium brought the damage: run `airlock verify` on the others, mend them, and load them once more'
      : 'run `airlock verify`, and copy the volume again',
    details: { member: placement.name },
  });
}

async function finish({ target }: Placement, file: string, run: Run): Promise<void> {
  try {
    await run.disk.makeDirectory(path.dirname(target));
    await run.disk.rename(file, target);
    await run.disk.syncDirectory(path.dirname(target));
  } catch (error) {
    throw diskError(error, target, 'write');
  }
  await run.disk.remove(`${file}.json`);
}
