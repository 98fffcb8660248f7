import { isAirlockError } from '../../core/errors.ts';
import { type ApplyReportText, apply, type StagePlanText } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { confirm } from '../confirm.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderLeftovers, renderStagePlan } from '../render/apply.ts';
import { findSiteFile, userPath } from '../settings.ts';
import { kubeconfigSettings } from './kubeconfig.ts';

export async function runApply(invocation: Invocation): Promise<Outcome> {
  const { flags, run } = invocation;
  const timeoutSeconds = flags.number('timeout');
  const dryRun = dryRunMode(flags.raw('dryRun'), flags.on('diff'));
  const only = flags.list('stage');
  const report: ApplyReportText = await apply(
    {
      folder: userPath(invocation, argument(invocation, 0) ?? 'manifests'),
      ...kubeconfigSettings(invocation),
      siteFile: await findSiteFile(invocation),
      options: {
        ...(dryRun ? { dryRun } : {}),
        ...(only ? { only } : {}),
        forceConflicts: flags.on('forceConflicts'),
        skipGates: flags.on('noWait') || flags.boolean('wait') === false,
        ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
        confirm: (plan) => confirmStage(invocation, plan),
      },
    },
    run,
  );
  const changed = report.stages.filter(hasChanges);
  const text = [
    ...report.stages.map((stage) => (hasChanges(stage) ? renderStagePlan(stage) : `${stage.stage}: unchanged`)),
    changed.length === 0 ? 'nothing to change' : '',
    renderLeftovers(report.leftovers),
  ];
  return { exitCode: exitCodes.done, result: report, text: text.filter(Boolean).join('\n') };
}

function hasChanges(stage: StagePlanText): boolean {
  return stage.objects.some(({ action }) => action !== 'unchanged' && action !== 'keep');
}

/** Shows what a stage changes and asks. Stages before it may have been applied already, so a no is told per stage. */
async function confirmStage(invocation: Invocation, plan: StagePlanText): Promise<boolean> {
  invocation.run.report({ stage: 'apply', state: 'log', level: 'info', message: renderStagePlan(plan) });
  const nodes = plan.effect === 'none' ? '' : ` Nodes will ${plan.effect}.`;
  try {
    await confirm(invocation, `Apply stage ${plan.stage}?${nodes}`);
    return true;
  } catch (error) {
    if (isAirlockError(error, 'DECLINED')) return false;
    throw error;
  }
}

/** `--dry-run` alone asks the server; `--diff` is the same with every change shown. */
function dryRunMode(value: unknown, diff: boolean): 'client' | 'server' | undefined {
  if (value === 'client' || value === 'server') return value;
  return value === true || diff ? 'server' : undefined;
}
