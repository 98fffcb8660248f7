import path from 'node:path';
import { acquireLock } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import { readFileLimited, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { type MirrorTarget, targetRepository } from '../manifests/index.ts';
import {
  type DeletionItem,
  judgeEnd,
  ocMirrorPlaces,
  openNamedOcMirror,
  parseDeletions,
  renderDeletions,
  runOcMirror,
} from '../mirror/index.ts';
import type { EngineSettings } from './choose-engine.ts';
import type { GenerateRequest, GenerateResult } from './delete.ts';
import { lockCache, mirrorFolderOf, ocMirrorSettings } from './oc-mirror-job.ts';
import type { SourceSettings, TargetSettings } from './requests.ts';

export interface OcMirrorGenerateRequest extends Omit<GenerateRequest, 'bundle' | 'siteFile'> {
  readonly workspace: string;
  readonly engine: EngineSettings;
  readonly source: SourceSettings;
  readonly targetSettings: TargetSettings;
}

/**
 * First step of a deletion by the real binary, out of the workspace and cache of its own mirror runs. Carrying the list out is left to our own
 * code: the binary stops at the second tag of a digest, and cannot be run again.
 * @throws AirlockError OC_MIRROR_*, NOTHING_SELECTED, WORKSPACE_LOCKED
 */
export async function generateWithOcMirror(request: OcMirrorGenerateRequest, run: Run): Promise<GenerateResult> {
  const { engine, source, target, workspace, id, signatures } = request;
  const binary = await openNamedOcMirror({ program: engine.program, env: source.env }, run);
  const folder = mirrorFolderOf(workspace);
  if (!(await run.disk.stat(path.join(folder, ocMirrorPlaces.workingDir)))) {
    throw new AirlockError('NOTHING_SELECTED', `${folder} holds no mirror run of oc-mirror`, {
      hint: 'name the workspace of airlock mirror --engine oc-mirror with --workspace, or leave --engine out',
    });
  }
  const lock = await acquireLock(workspace, 'airlock delete', run);
  try {
    const cacheLock = await lockCache({ engine, source, workspace }, run);
    const job = {
      ...ocMirrorSettings({ engine, source, workspace, selection: {} }, binary),
      configFile: path.resolve(request.deleteSetFile),
      folder,
      target: [target.registry, target.prefix].filter(Boolean).join('/'),
      deletion: { id, signatures },
      stage: 'mirror',
    } as const;
    const settings = { ...job.settings, targetTlsVerify: request.targetSettings.tlsVerify };
    judgeEnd(await runOcMirror({ ...job, settings }, run).finally(() => cacheLock.release()));
    const name = `delete-images${id === undefined ? '' : `-${id}`}.yaml`;
    const list = await readFileLimited(path.join(folder, ocMirrorPlaces.deletions, name), run);
    const items = parseDeletions(list.toString()).map((item) => nested(item, target));
    const file = path.join(request.outputFolder, name);
    await writeFileAtomic(file, renderDeletions(items), run);
    return { file, items, kept: [] };
  } finally {
    await lock.release();
  }
}

/** The binary lists the names as they would be without a limit of nested paths. */
function nested(item: DeletionItem, target: MirrorTarget): DeletionItem {
  const place = `docker://${[target.registry, target.prefix].filter(Boolean).join('/')}/`;
  if (!target.maxNestedPaths || !item.imageReference.startsWith(place)) return item;
  const [, repository = '', tag = ''] = /^(.*):([^:]*)$/.exec(item.imageReference.slice(place.length)) ?? [];
  return { ...item, imageReference: `docker://${target.registry}/${targetRepository(repository, target)}:${tag}` };
}
