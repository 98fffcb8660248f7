import { planAlone } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { missingExitCode } from '../error-codes.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderNext } from '../render/next.ts';
import { renderPlan } from '../render/plan.ts';
import { planRequest } from '../settings.ts';

export const defaultBundleFolder = 'bundles/out';

export async function runPlan(invocation: Invocation): Promise<Outcome> {
  const result = await planAlone(
    await planRequest(invocation, argument(invocation, 0) ?? defaultBundleFolder),
    invocation.run,
  );
  const { environment, no, done } = exitCodes;
  const exitCode =
    result.state === 'failed'
      ? environment
      : result.state === 'incomplete'
        ? missingExitCode(result.plan.missing)
        : result.findings.length > 0
          ? no
          : done;
  // Which flags shape a plan, the user knows better than a list of ours.
  const next = exitCode === done && result.isNew ? `\n${renderNext('airlock build, with the same flags')}` : '';
  return { exitCode, result, text: `${renderPlan(result)}${next}` };
}
