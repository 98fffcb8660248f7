import { AirlockError, isAirlockError } from '../../core/errors.ts';
import {
  hostedBackupEtcd,
  hostedDelete,
  hostedDeletePlan,
  hostedPause,
  hostedRestoreEtcd,
  hostedScale,
  hostedShow,
  hostedUpgrade,
  hostedUpgradeCheck,
} from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { confirm } from '../confirm.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderSteps } from '../render/apply.ts';
import { renderFindings } from '../render/findings.ts';
import { renderTable } from '../render/table.ts';
import { getSiteFile, userPath } from '../settings.ts';
import { kubeconfigSettings } from './kubeconfig.ts';

async function requestOf(invocation: Invocation) {
  return {
    siteFile: await getSiteFile(invocation),
    name: argument(invocation, 0) ?? '',
    ...kubeconfigSettings(invocation),
  };
}

type Status = Awaited<ReturnType<typeof hostedShow>>;

function describe(status: Status): Outcome {
  const rows = status.nodePools.map((pool) => [
    pool.name,
    pool.version ?? '–',
    `${pool.ready} of ${pool.wanted ?? 'auto'}`,
    pool.updating ? 'updating' : '',
    pool.problems.map((one) => `${one.condition}: ${one.message}`).join('; '),
  ]);
  const problems = status.problems.map((one) => `${one.condition} is ${one.status}: ${one.message}`);
  const text = [
    `${status.namespace}/${status.name}: ${status.version ?? 'no version yet'}, ${status.rollout ?? 'no rollout'}${status.paused ? ', PAUSED' : ''}`,
    ...problems,
    renderTable(['pool', 'version', 'ready', '', ''], rows),
  ].join('\n');
  return { exitCode: status.problems.length > 0 ? exitCodes.no : exitCodes.done, result: status, text };
}

export async function runHostedStatus(invocation: Invocation): Promise<Outcome> {
  return describe(await hostedShow(await requestOf(invocation), invocation.run));
}

export async function runHostedScale(invocation: Invocation): Promise<Outcome> {
  const pool = argument(invocation, 1) ?? '';
  const replicas = Number(argument(invocation, 2));
  if (!Number.isInteger(replicas) || replicas < 0)
    throw new AirlockError('USAGE', `"${argument(invocation, 2)}" is not a number of nodes`);
  await confirm(invocation, `Scale node pool ${pool} to ${replicas}? Nodes that go are drained and wiped.`);
  return {
    ...describe(await hostedScale(await requestOf(invocation), pool, replicas, invocation.run)),
    exitCode: exitCodes.done,
  };
}

export async function runHostedPause(invocation: Invocation): Promise<Outcome> {
  const resume = invocation.flags.on('resume');
  return {
    ...describe(await hostedPause(await requestOf(invocation), !resume, invocation.run)),
    exitCode: exitCodes.done,
  };
}

export async function runHostedUpgrade(invocation: Invocation): Promise<Outcome> {
  const request = await requestOf(invocation);
  const version = argument(invocation, 1) ?? '';
  const pool = invocation.flags.text('nodePool');
  if (pool === undefined) {
    const findings = await hostedUpgradeCheck(request, version, invocation.run);
    if (findings.length > 0 || invocation.flags.on('check'))
      return {
        exitCode: findings.length > 0 ? exitCodes.no : exitCodes.done,
        result: { findings },
        text: findings.length > 0 ? renderFindings(findings) : `${request.name} can be upgraded to ${version}`,
      };
  }
  await confirm(
    invocation,
    `Upgrade ${pool === undefined ? `the control plane of ${request.name}` : `node pool ${pool}`} to ${version}?`,
  );
  return { ...describe(await hostedUpgrade(request, version, pool, invocation.run)), exitCode: exitCodes.done };
}

type DeleteStep = Awaited<ReturnType<typeof hostedDeletePlan>>[number];

function describeDeletion({ action, object, why }: DeleteStep): string {
  const where = `${object.kind} ${object.namespace ?? ''}/${object.name}`;
  if (action === 'release') return `wait until no Agent is bound to ${object.name} any more: ${why}`;
  return action === 'scale' ? `scale ${where} to 0: ${why}` : `delete ${where}: ${why}`;
}

export async function runHostedDelete(invocation: Invocation): Promise<Outcome> {
  const request = await requestOf(invocation);
  const { flags, run } = invocation;
  const planned = await hostedDeletePlan(request, run);
  const list = planned.map((step, at) => `${at + 1}. ${describeDeletion(step)}`).join('\n');
  if (flags.on('dryRun'))
    return {
      exitCode: exitCodes.done,
      result: { state: 'planned', steps: planned },
      text: `${list}\nnothing was done`,
    };
  run.report({ stage: 'apply', state: 'log', level: 'info', message: list });
  const timeoutSeconds = flags.number('timeout');
  const options = {
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    async confirm(step: DeleteStep) {
      try {
        await confirm(invocation, `${describeDeletion(step)}. Do this now?`);
      } catch (error) {
        // Steps before this one may have been done, which the usual sentence denies.
        if (
          !isAirlockError(error, 'DECLINED') ||
          (planned[0]?.object.name === step.object.name && planned[0].action === step.action)
        )
          throw error;
        throw new AirlockError('DECLINED', `declined; not done: ${describeDeletion(step)}`, {
          hint: 'run the same command again to go on',
        });
      }
    },
  };
  const steps = await hostedDelete(request, options, run);
  return {
    exitCode: exitCodes.done,
    result: { state: 'deleted', steps },
    text: `hosted cluster ${request.name} is deleted; its hosts, InfraEnv and Secrets are still there`,
  };
}

export async function runHostedBackupEtcd(invocation: Invocation): Promise<Outcome> {
  const folder = argument(invocation, 1);
  const online = invocation.flags.on('online');
  const { plan, backup, ...result } = await hostedBackupEtcd(
    {
      ...(await requestOf(invocation)),
      folder: folder === undefined ? undefined : userPath(invocation, folder),
      workFolder: invocation.world.cwd,
      online,
      async confirm({ hosted, steps }) {
        if (invocation.flags.on('dryRun')) return false;
        invocation.run.report({ stage: 'apply', state: 'log', level: 'info', message: renderSteps(steps) });
        const cost = online ? '' : ' Its API is down meanwhile.';
        await confirm(invocation, `Take a snapshot of the etcd of ${hosted.name}?${cost}`);
        return true;
      },
    },
    invocation.run,
  );
  if (!backup)
    return {
      exitCode: exitCodes.done,
      result: { state: 'planned', steps: plan.steps },
      text: `${renderSteps(plan.steps)}\nnothing was done`,
    };
  const key = backup.encryptionKey
    ? `encrypted with Secret ${backup.namespace}/${backup.encryptionKey.secret}, kept beside it`
    : 'not encrypted';
  return {
    exitCode: exitCodes.done,
    result: { ...result, state: 'taken', backup },
    text: `${result.folder}: ${backup.snapshot.sizeBytes} bytes at revision ${backup.snapshot.revision}, ${key}. Keep it like a password`,
  };
}

export async function runHostedRestoreEtcd(invocation: Invocation): Promise<Outcome> {
  const { flags, run, world } = invocation;
  const timeoutSeconds = flags.number('timeout');
  const { state, plan } = await hostedRestoreEtcd(
    {
      ...(await requestOf(invocation)),
      folder: userPath(invocation, argument(invocation, 1) ?? ''),
      url: flags.text('url'),
      wait: timeoutSeconds === undefined ? {} : { timeoutSeconds },
      async confirm({ backup, steps }) {
        // A rehearsal is what somebody gets who cannot be asked and did not agree beforehand.
        if (flags.on('dryRun') || !(flags.on('yes') || world.isTerminal)) return false;
        run.report({ stage: 'apply', state: 'log', level: 'info', message: renderSteps(steps) });
        const { name, takenAt } = backup;
        await confirm(
          invocation,
          `Restore the etcd of ${name} as of ${takenAt}? What was written since is lost, its API is down meanwhile.`,
        );
        return true;
      },
    },
    run,
  );
  const { inPlace, ...shown } = plan;
  const refused = plan.findings.length > 0;
  const carry = inPlace && !refused ? ': -y carries it out' : '';
  const text =
    state === 'restored'
      ? `etcd of ${plan.backup.name} is as it was at ${plan.backup.takenAt}; look at it: airlock hosted status ${plan.backup.name}. The old data is kept in ${inPlace?.before.etcd.kept} on the volume of etcd-0`
      : [renderSteps(plan.steps), ...(refused ? [renderFindings(plan.findings)] : []), `nothing was done${carry}`]
          .filter(Boolean)
          .join('\n');
  return { exitCode: refused ? exitCodes.no : exitCodes.done, result: { state, ...shown }, text };
}
