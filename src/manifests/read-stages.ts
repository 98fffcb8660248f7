import type { ApplyMode, ApplyStage } from '../cluster/index.ts';
import { AirlockError } from '../core/errors.ts';
import { readResources } from './machine-configs.ts';

/** `stages.json` as `emit` writes it. */
interface StageIndex {
  readonly kind: 'ManifestStages';
  readonly stages: readonly (Omit<ApplyStage, 'objects'> & {
    readonly files: readonly { readonly path: string; readonly mode: ApplyMode }[];
  })[];
}

/**
 * The files that `stages.json` names, each relative to its folder and below it.
 * @throws AirlockError MANIFEST_FILE_INVALID
 */
export function stageFiles(index: string): string[] {
  return parseIndex(index).stages.flatMap((stage) => stage.files.map((file) => file.path));
}

/**
 * Emitted stages as they lie on disk, with whatever the user changed in them: `index` is `stages.json`, `texts` the content of `stageFiles`.
 * A file that is gone was taken away on purpose and is left out.
 * @throws AirlockError MANIFEST_FILE_INVALID
 */
export function readStages(index: string, texts: Readonly<Record<string, string>>): ApplyStage[] {
  return parseIndex(index).stages.map(({ files, ...stage }) => ({
    ...stage,
    objects: files.flatMap(({ path, mode }) => {
      const text = texts[path];
      return text === undefined ? [] : readResources(text, path).map((object) => ({ object, mode }));
    }),
  }));
}

function parseIndex(text: string): StageIndex {
  const fail = (why: string): never => {
    throw new AirlockError('MANIFEST_FILE_INVALID', `stages.json: ${why}`, { hint: 'run airlock emit again' });
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail('not JSON');
  }
  const index = value as Partial<StageIndex> | null;
  if (index?.kind !== 'ManifestStages' || !Array.isArray(index.stages)) return fail('not a list of stages');
  // The folder may have been carried about: what it names stays inside it.
  for (const stage of index.stages as StageIndex['stages'])
    for (const { path } of stage.files)
      if (!/^[\w-][\w.-]*\/[\w-][\w.-]*\.yaml$/.test(path)) return fail(`"${path}" is not the path of a stage file`);
  return index as StageIndex;
}
