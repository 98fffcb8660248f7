import type { StagePlanText } from '../../workflow/index.ts';

/** A stage for people: what each object becomes, field by field, and what it does to nodes. Values of Secrets are hidden already. */
export function renderStagePlan(plan: StagePlanText): string {
  const effects: Readonly<Record<string, string>> = {
    none: 'nodes stay as they are',
    unknown: 'what nodes do, only the cluster can tell',
  };
  const effect =
    effects[plan.effect] ??
    `nodes of ${plan.pools.join(', ') || 'all pools'} will ${plan.effect}: ${plan.reasons.join('; ')}`;
  const objects = plan.objects.flatMap((one) => [
    `  ${one.action} ${one.object}${one.reason ? ` (${one.reason})` : ''}`,
    ...one.changes.flatMap(({ path, before, after }) => [
      ...(before === undefined ? [] : [`    - ${path}: ${before}`]),
      ...(after === undefined ? [] : [`    + ${path}: ${after}`]),
    ]),
  ]);
  return [`${plan.stage}: ${plan.title} (${effect})`, ...objects].join('\n');
}

/** Numbered steps with the command that does each by hand. */
export function renderSteps(steps: readonly { readonly title: string; readonly command: string }[]): string {
  return steps.map(({ title, command }, at) => `${at + 1}. ${title}\n     ${command}`).join('\n');
}

/** Objects that are no longer emitted; '' without any. */
export function renderLeftovers(leftovers: readonly string[]): string {
  if (leftovers.length === 0) return '';
  return [
    'no longer emitted, and still in the cluster; delete what nothing uses any more:',
    ...leftovers.map((name) => `  ${name}`),
  ].join('\n');
}
