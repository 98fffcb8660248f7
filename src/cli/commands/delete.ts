import { AirlockError } from '../../core/errors.ts';
import { executeDeletion, generateDeletion, generateWithOcMirror, type LoadTarget } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { confirm } from '../confirm.ts';
import { exitCodes } from '../exit-codes.ts';
import { plural } from '../render/table.ts';
import { findSiteFile, loadTarget, pathFlag, sourceSettings, targetSettings, userPath } from '../settings.ts';
import { engineSettings } from './build.ts';

export async function runDelete(invocation: Invocation): Promise<Outcome> {
  const { flags } = invocation;
  const parsed = loadTarget(invocation, argument(invocation, 0) ?? '');
  if (parsed.kind !== 'registry')
    throw new AirlockError('USAGE', 'delete works on a registry', { hint: 'write docker://HOST[:PORT][/PREFIX]' });
  const { kind: _, ...target } = parsed;
  const list = pathFlag(invocation, 'deleteYamlFile');
  if (flags.on('generate') === (list !== undefined))
    throw new AirlockError('USAGE', 'a deletion has two steps', {
      hint: 'first --generate -c FILE, then --delete-yaml-file LIST',
    });
  return list === undefined ? generate(invocation, target) : execute(invocation, target, list);
}

type MirrorTarget = Omit<Extract<LoadTarget, { readonly kind: 'registry' }>, 'kind'>;

async function generate(invocation: Invocation, target: MirrorTarget): Promise<Outcome> {
  const { flags } = invocation;
  const deleteSetFile = pathFlag(invocation, 'config');
  if (deleteSetFile === undefined)
    throw new AirlockError('USAGE', 'no DeleteImageSetConfiguration', { hint: 'name one with -c FILE' });
  const bundle = pathFlag(invocation, 'bundle');
  const request = {
    deleteSetFile,
    target,
    workspace: pathFlag(invocation, 'workspace') ?? userPath(invocation, '.airlock'),
    outputFolder: pathFlag(invocation, 'outputDir') ?? userPath(invocation, 'working-dir/delete'),
    id: flags.text('deleteId'),
    signatures: flags.on('deleteSignatures'),
  };
  const engine = engineSettings(invocation);
  const access = { source: sourceSettings(invocation), targetSettings: targetSettings(invocation) };
  const siteFile = bundle === undefined ? await findSiteFile(invocation) : undefined;
  const result =
    engine.engine === 'oc-mirror'
      ? await generateWithOcMirror({ ...request, ...access, engine }, invocation.run)
      : await generateDeletion({ ...request, bundle, siteFile }, invocation.run);
  const kept = result.kept.map((origin) => `stays, others need it: ${origin}`);
  const text = [
    ...kept,
    `${plural(result.items.length, 'image')} in ${result.file}; read it, then: airlock delete --delete-yaml-file ${result.file} docker://${[target.registry, target.prefix].filter(Boolean).join('/')}`,
  ];
  return { exitCode: exitCodes.done, result, text: text.join('\n') };
}

async function execute(invocation: Invocation, target: MirrorTarget, listFile: string): Promise<Outcome> {
  await confirm(invocation, `Delete the images of ${listFile} from ${target.registry}?`);
  const result = await executeDeletion(
    { listFile, target, source: sourceSettings(invocation), targetSettings: targetSettings(invocation) },
    invocation.run,
  );
  const text = [
    ...result.shared.map((one) => `stays, ${one.neededBy} needs it: ${one.reference}`),
    ...result.failed.map((one) => `failed: ${one.reference}: ${one.cause}`),
    `${result.deleted.length} deleted, ${result.gone.length} gone before, ${result.shared.length} shared, ${result.failed.length} failed; free their blobs with the registry's garbage collection`,
  ];
  return { exitCode: result.failed.length > 0 ? exitCodes.environment : exitCodes.done, result, text: text.join('\n') };
}
