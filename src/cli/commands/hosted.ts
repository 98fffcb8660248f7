import { AirlockError } from '../../core/errors.ts';
import {
  hostedDeletePlan,
  hostedPause,
  hostedScale,
  hostedShow,
  hostedUpgrade,
  hostedUpgradeCheck,
} from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { confirm } from '../confirm.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderFindings } from '../render/findings.ts';
import { renderTable } from '../render/table.ts';
import { getSiteFile } from '../settings.ts';
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

export async function runHostedDelete(invocation: Invocation): Promise<Outcome> {
  const steps = await hostedDeletePlan(await requestOf(invocation), invocation.run);
  const text = steps.map(
    (step, at) =>
      `${at + 1}. ${step.action} ${step.object.kind} ${step.object.namespace ?? ''}/${step.object.name}: ${step.why}`,
  );
  return {
    exitCode: exitCodes.done,
    result: { steps },
    text: [...text, 'nothing was done: these are the steps in their order'].join('\n'),
  };
}
