import { formatBytes } from '../../core/units.ts';
import type { PlanResult } from '../../workflow/index.ts';
import { renderFindings } from './findings.ts';
import { plural, renderTable } from './table.ts';

/** A plan for people: what is selected, carried and assumed; why; what each folder needs; what is missing. */
export function renderPlan(result: PlanResult): string {
  const { plan } = result;
  const rows = (['selected', 'assumed', 'carried'] as const).map((name) => {
    const { images, blobs, bytes } = plan.totals[name];
    const words = { selected: 'selected', assumed: 'already carried', carried: 'in this bundle' };
    return [words[name], String(images), String(blobs), formatBytes(bytes)];
  });
  const reasons = countReasons(result);
  const space = result.space
    .filter((need) => need.files > 0)
    .map((need) => [
      `${need.purpose} (${need.host} host)`,
      String(need.bytes),
      formatBytes(need.allocatedBytes),
      plural(need.files, 'file'),
    ]);
  return [
    `generation ${plan.generation}, ${result.state}${result.isNew ? '' : ', nothing new'}`,
    '',
    renderTable(['', 'images', 'blobs', 'bytes'], rows),
    ...(reasons.length > 0 ? ['', renderTable(['why', 'images'], reasons)] : []),
    ...(plan.releases.length > 0 ? ['', ...plan.releases.map(renderRelease)] : []),
    '',
    renderTable(['space', 'bytes', 'on disk', ''], space),
    `${plural(result.volumes.length, 'volume')}, ${formatBytes(result.volumes.reduce((sum, volume) => sum + volume.sizeBytes, 0))} in all`,
    ...renderMissing(plan.missing),
    ...plan.notes.map((note) => `note: ${note.subject}: ${note.message}`),
    ...(result.findings.length > 0 ? ['', renderFindings(result.findings)] : []),
    '',
    `plan: ${result.planFile}`,
  ].join('\n');
}

/** Lines for content that cannot be had. */
export function renderMissing(
  missing: readonly { readonly type: string; readonly origin: string; readonly cause: string }[],
): string[] {
  return missing.map((one) => `missing: ${one.type} ${one.origin}: ${one.cause}`);
}

function renderRelease(release: PlanResult['plan']['releases'][number]): string {
  const signature = release.signature === 'verified' ? 'signature verified' : 'SIGNATURE NOT CHECKED';
  return `release ${release.version} ${release.architecture}: ${signature}, ${plural(Object.keys(release.components).length, 'component')}`;
}

function countReasons({ plan }: PlanResult): string[][] {
  const counts = new Map<string, number>();
  for (const image of plan.images) counts.set(image.reason, (counts.get(image.reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => [reason, String(count)]);
}
