import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { findFile, writeFileAtomic } from '../core/files.ts';
import { canonicalJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import type { MirrorTarget } from '../manifests/index.ts';
import type { LoadedSet } from '../mirror/index.ts';
import { mergeSets } from './loaded.ts';

/** What `airlock mirror` brought to each target, over all its runs: there is no bundle that could tell. */
interface MirroredRecord {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'Mirrored';
  readonly targets: Readonly<Record<string, LoadedSet>>;
}

const limitBytes = 1 << 30;

/** Adds what a run brought to the record of its target. */
export async function rememberMirrored(
  workspace: string,
  target: MirrorTarget,
  { images, releases, catalogs }: LoadedSet,
  run: Run,
): Promise<void> {
  const targets = await readTargets(workspace, run);
  const name = nameOf(target);
  const known = targets[name];
  const merged = mergeSets([...(known ? [known] : []), { images, releases, catalogs }]);
  const record: MirroredRecord = {
    apiVersion: 'airlock/v1alpha1',
    kind: 'Mirrored',
    targets: { ...targets, [name]: merged },
  };
  await writeFileAtomic(fileOf(workspace), canonicalJson(record), run);
}

/** What runs of this workspace brought to a target; undefined when there were none. @throws AirlockError MIRROR_RECORD_INVALID */
export async function findMirrored(workspace: string, target: MirrorTarget, run: Run): Promise<LoadedSet | undefined> {
  return (await readTargets(workspace, run))[nameOf(target)];
}

async function readTargets(workspace: string, run: Run): Promise<MirroredRecord['targets']> {
  const file = fileOf(workspace);
  const bytes = await findFile(file, run, limitBytes);
  if (!bytes) return {};
  try {
    const record = JSON.parse(bytes.toString('utf8')) as MirroredRecord;
    if (record.kind === 'Mirrored' && record.apiVersion === 'airlock/v1alpha1') return record.targets;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new AirlockError('MIRROR_RECORD_INVALID', `${file} is no record of what was mirrored`, {
    hint: 'remove it: the next airlock mirror begins a new one',
  });
}

function fileOf(workspace: string): string {
  return path.join(workspace, 'mirrored.json');
}

/** The depth of paths is part of the place: it changes the names there. */
function nameOf(target: MirrorTarget): string {
  return [target.registry, target.prefix, String(target.maxNestedPaths ?? 0)].join(' ');
}
