import { createHash } from 'node:crypto';
import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { diskError, findFile, removeTemporaries, writeFileAtomic } from '../core/files.ts';
import { canonicalJson } from '../core/json.ts';
import { assertRunning, type Run } from '../core/run.ts';
import { type Bundle, isHere } from './bundle.ts';
import { readFileFrom } from './contents.ts';
import type { Placement } from './place-data.ts';

/** From and to (exclusive), in bytes of a member. */
type Stretch = readonly [number, number];

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
    await finish(placement, file, run);
    whole.add(placement);
  }
  if ((await run.disk.list(staging)).length === 0) await run.disk.remove(staging);
  return whole;
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

/** What of a member can be read here. Volumes that are not in parts are here whole or not at all. */
export function stretchesHere(bundle: Bundle, placement: Pick<Placement, 'source' | 'size'>): Stretch[] {
  const { source, size } = placement;
  if (!bundle.stretches) return isHere(bundle, placement) ? [[0, size]] : [];
  return bundle
    .stretches(source.path, source.offset, size)
    .map(([from, to]) => [from - source.offset, to - source.offset]);
}

async function readStretches(file: string, size: number, run: Run): Promise<readonly Stretch[]> {
  const text = await findFile(`${file}.json`, run);
  // Notes without the bytes that they speak of are worth nothing.
  if (!text || !(await run.disk.stat(file))) return [];
  try {
    const list = JSON.parse(text.toString('utf8')) as [number, number][];
    return list.filter(([from, to]) => from >= 0 && from < to && to <= size);
  } catch {
    return [];
  }
}

async function writeStretches(placement: Placement, file: string, stretches: readonly Stretch[], run: Run) {
  const { source, mode } = placement;
  try {
    await run.disk.makeDirectory(path.dirname(file));
    const from = await run.disk.open(source.path, 'read');
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

async function finish({ algorithm, hex, name, target }: Placement, file: string, run: Run): Promise<void> {
  const hash = createHash(algorithm);
  for await (const chunk of readFileFrom(file, 0, run)) hash.update(chunk);
  if (hash.digest('hex') !== hex) {
    await run.disk.remove(file);
    await run.disk.remove(`${file}.json`);
    throw new AirlockError('BUNDLE_DAMAGED', `${name} is damaged: its bytes do not have their digest`, {
      hint: 'run `airlock verify` on each medium, and make the damaged parts again: airlock build --parts',
      details: { member: name },
    });
  }
  try {
    await run.disk.makeDirectory(path.dirname(target));
    await run.disk.rename(file, target);
    await run.disk.syncDirectory(path.dirname(target));
  } catch (error) {
    throw diskError(error, target, 'write');
  }
  await run.disk.remove(`${file}.json`);
}

/** What of a stretch is not in the sorted list. */
function subtract([from, to]: Stretch, known: readonly Stretch[]): Stretch[] {
  const rest: Stretch[] = [];
  let at = from;
  for (const [start, end] of known) {
    if (start > at) rest.push([at, Math.min(start, to)]);
    at = Math.max(at, end);
    if (at >= to) return rest.filter(([a, b]) => a < b);
  }
  return [...rest, [at, to] as const].filter(([a, b]) => a < b);
}

/** Sorted, with neighbours put together. */
function join(stretches: readonly Stretch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (const [from, to] of [...stretches].sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last && from <= last[1]) joined[joined.length - 1] = [last[0], Math.max(last[1], to)];
    else joined.push([from, to]);
  }
  return joined;
}
