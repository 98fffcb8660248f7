import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AirlockError } from '../../core/errors.ts';
import { formatBytes } from '../../core/units.ts';
import {
  registryBackup,
  registryGc,
  registryGcPlan,
  registryLogin,
  registryLogs,
  registryPassword,
  registryReadOnly,
  registryRestore,
} from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { confirm } from '../confirm.ts';
import { exitCodes } from '../exit-codes.ts';
import { parseBoolean } from '../options.ts';
import { plural } from '../render/table.ts';
import { engineSearch, getSiteFile, pathFlag, userPath } from '../settings.ts';

export async function runRegistryLogin(invocation: Invocation): Promise<Outcome> {
  const { env, homeFolder } = invocation.world;
  const runtime = env['XDG_RUNTIME_DIR'];
  const usual = runtime
    ? path.join(runtime, 'containers/auth.json')
    : path.join(homeFolder, '.config/containers/auth.json');
  const result = await registryLogin(
    await getSiteFile(invocation),
    pathFlag(invocation, 'authfile') ?? env['REGISTRY_AUTH_FILE'] ?? usual,
    invocation.run,
  );
  return {
    exitCode: exitCodes.done,
    result,
    text: `${result.username} at ${result.registry} written to ${result.file}`,
  };
}

export async function runRegistryPasswd(invocation: Invocation): Promise<Outcome> {
  await confirm(
    invocation,
    'Give the registry user a new password? Clusters need the new pull secret then (emit, apply).',
  );
  const result = await registryPassword(await getSiteFile(invocation), invocation.run);
  return {
    exitCode: exitCodes.done,
    result,
    text: `new password of ${result.username} in ${result.passwordFile}\nnext: airlock emit, airlock apply --stage pull-secret, airlock registry login`,
  };
}

export async function runRegistryReadOnly(invocation: Invocation): Promise<Outcome> {
  const on = parseBoolean(argument(invocation, 0) ?? '');
  const result = await registryReadOnly(await getSiteFile(invocation), on, invocation.run);
  const text = `the registry ${on ? 'takes no writes from clients' : 'takes writes'}${result.needsUp ? '; next: airlock up, which makes its container anew' : ''}`;
  return { exitCode: exitCodes.done, result, text };
}

export async function runRegistryGc(invocation: Invocation): Promise<Outcome> {
  const siteFile = await getSiteFile(invocation);
  const untagged = invocation.flags.on('untagged');
  const plan = await registryGcPlan(siteFile, untagged, invocation.run);
  const summary = `${plural(plan.blobs.length, 'blob')} (${formatBytes(plan.freedBytes)}) and ${plural(plan.manifests.length, 'manifest')} that nothing needs; ${formatBytes(plan.keptBytes)} stay`;
  if (invocation.flags.on('dryRun') || plan.blobs.length + plan.manifests.length + plan.layers.length === 0)
    return { exitCode: exitCodes.done, result: { plan }, text: summary };
  await confirm(invocation, `Remove ${summary}?`);
  const removed = await registryGc(siteFile, plan, untagged, engineSearch(invocation), invocation.run);
  return {
    exitCode: exitCodes.done,
    result: { plan, removed },
    text: `removed ${plural(removed.blobs.length, 'blob')}, ${formatBytes(removed.freedBytes)} freed`,
  };
}

export async function runRegistryLogs(invocation: Invocation): Promise<Outcome> {
  const options = { tail: invocation.flags.number('tail') ?? 100, follow: invocation.flags.on('follow') };
  const logs = await registryLogs(await getSiteFile(invocation), options, engineSearch(invocation), invocation.run);
  if ('file' in logs) {
    const text = await readFile(logs.file, 'utf8').catch(() => '');
    return {
      exitCode: exitCodes.done,
      result: { file: logs.file },
      text: text
        .split('\n')
        .slice(-options.tail - 1)
        .join('\n'),
    };
  }
  for await (const chunk of logs) invocation.world.say(String(chunk).replace(/\n$/, ''));
  return { exitCode: exitCodes.done, result: {}, text: '' };
}

export async function runRegistryBackup(invocation: Invocation): Promise<Outcome> {
  const folder = userPath(invocation, argument(invocation, 0) ?? '');
  return describeCopy(await registryBackup(await getSiteFile(invocation), folder, invocation.run), folder);
}

export async function runRegistryRestore(invocation: Invocation): Promise<Outcome> {
  const folder = userPath(invocation, argument(invocation, 0) ?? '');
  await confirm(invocation, `Put the registry of ${folder} over this site's?`);
  return describeCopy(await registryRestore(await getSiteFile(invocation), folder, invocation.run), 'the site');
}

function describeCopy(copy: Awaited<ReturnType<typeof registryBackup>>, where: string): Outcome {
  const bad = copy.missing.length + copy.damaged.length;
  const text = `${plural(copy.copiedBlobs, 'blob')} copied (${formatBytes(copy.copiedBytes)}), ${copy.keptBlobs} there before, ${copy.repositories} ${copy.repositories === 1 ? 'repository' : 'repositories'} in ${where}`;
  if (bad > 0 && copy.copiedBlobs + copy.keptBlobs === 0)
    throw new AirlockError('FILE_UNREADABLE', 'nothing could be copied whole');
  return {
    exitCode: bad > 0 ? exitCodes.no : exitCodes.done,
    result: copy,
    text:
      bad > 0
        ? `${text}\nleft out: ${copy.missing.length} missing and ${copy.damaged.length} damaged blobs, with their links`
        : text,
  };
}
