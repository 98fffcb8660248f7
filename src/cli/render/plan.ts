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
  const { packages, others } = result.explanation;
  const reasons = others.map(({ reason, images, addedBytes }) => [reason, String(images), formatBytes(addedBytes)]);
  const space = result.space
    .filter((need) => need.files > 0)
    .map((need) => [
      `${need.purpose} (${need.host} host)`,
      String(need.bytes),
      formatBytes(need.allocatedBytes),
      need.freeBytes === undefined ? '-' : formatBytes(need.freeBytes),
      String(need.files),
      need.folder ?? '',
    ]);
  return [
    `generation ${plan.generation}, ${result.state}${result.isNew || result.state !== 'complete' ? '' : ', nothing new'}`,
    '',
    renderTable(['', 'images', 'blobs', 'bytes'], rows),
    ...(reasons.length > 0 ? ['', renderTable(['why', 'images', 'adds'], reasons)] : []),
    ...(packages.length > 0 ? ['', renderTable(['package', 'adds', 'why'], packages.flatMap(packageRows))] : []),
    ...(plan.releases.length > 0 ? ['', ...plan.releases.map(renderRelease)] : []),
    '',
    renderTable(['space', 'bytes', 'on disk', 'free', 'files', 'folder'], space),
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

/** A package, its channels and their bundles, each with why it is in. */
function packageRows({
  catalog,
  name,
  addedBytes,
  defaultChannel,
  channels,
}: PlanResult['explanation']['packages'][number]): string[][] {
  return [
    [name, formatBytes(addedBytes), catalog],
    ...channels.flatMap((channel) => [
      [
        `  ${channel.name}`,
        formatBytes(channel.addedBytes),
        channel.name === defaultChannel ? 'channel (default)' : 'channel',
      ],
      ...channel.bundles.map((bundle) => [`    ${bundle.name}`, formatBytes(bundle.addedBytes), bundle.reason]),
    ]),
  ];
}
