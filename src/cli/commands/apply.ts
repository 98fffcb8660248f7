import { type ApplyReportText, apply } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { confirm } from '../confirm.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderStagePlan } from '../render/apply.ts';
import { findSiteFile, pathFlag, userPath } from '../settings.ts';

export async function runApply(invocation: Invocation): Promise<Outcome> {
  const { flags, world, run } = invocation;
  const dryRun = dryRunMode(flags.raw('dryRun'), flags.on('diff'));
  const only = flags.list('stage');
  const report: ApplyReportText = await apply(
    {
      folder: userPath(invocation, argument(invocation, 0) ?? 'manifests'),
      kubeconfig: pathFlag(invocation, 'kubeconfig') ?? world.env['KUBECONFIG'],
      siteFile: await findSiteFile(invocation),
      options: {
        ...(dryRun ? { dryRun } : {}),
        ...(only ? { only } : {}),
        forceConflicts: flags.on('forceConflicts'),
        skipGates: flags.on('noWait') || flags.boolean('wait') === false,
        async confirm(plan) {
          run.report({ stage: 'apply', state: 'log', level: 'info', message: renderStagePlan(plan) });
          await confirm(
            invocation,
            `Apply stage ${plan.stage}?${plan.effect === 'none' ? '' : ` Nodes will ${plan.effect}.`}`,
          );
          return true;
        },
      },
    },
    run,
  );
  const changed = report.stages.filter((stage) => stage.state !== 'unchanged');
  const text = [
    ...report.stages.map((stage) =>
      stage.state === 'unchanged' ? `${stage.stage}: unchanged` : renderStagePlan(stage),
    ),
    changed.length === 0 ? 'nothing to change' : '',
  ];
  return { exitCode: exitCodes.done, result: report, text: text.filter(Boolean).join('\n') };
}

/** `--dry-run` alone asks the server; `--diff` is the same with every change shown. */
function dryRunMode(value: unknown, diff: boolean): 'client' | 'server' | undefined {
  if (value === 'client' || value === 'server') return value;
  return value === true || diff ? 'server' : undefined;
}
