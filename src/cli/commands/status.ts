import { formatBytes } from '../../core/units.ts';
import { type SiteStatus, status } from '../../workflow/index.ts';
import type { Invocation, Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { plural, renderTable } from '../render/table.ts';
import { engineSearch, getSiteFile } from '../settings.ts';

export async function runStatus(invocation: Invocation): Promise<Outcome> {
  const result = await status(await getSiteFile(invocation), invocation.run, engineSearch(invocation));
  return { exitCode: result.healthy ? exitCodes.done : exitCodes.environment, result, text: renderStatus(result) };
}

function renderStatus(result: SiteStatus): string {
  const { certificate, lastCheck } = result;
  return [
    `site ${result.site}: ${result.healthy ? 'healthy' : 'NOT HEALTHY'}`,
    renderTable(
      ['service', 'address', 'health', 'since'],
      result.services.map((one) => [
        one.service,
        `${one.scheme}://${one.address}`,
        one.healthy ? 'healthy' : `NOT HEALTHY: ${one.problem}`,
        one.since ?? '',
      ]),
    ),
    services(result),
    certificate
      ? `certificate: ${certificate.daysLeft} days left (${certificate.notAfter.slice(0, 10)})`
      : 'certificate: none yet',
    ...result.generations.map((one) => `generation ${one.generation}: loaded ${one.loadedAt} into ${one.target}`),
    ...(result.releases.length > 0 ? [`releases: ${result.releases.join(', ')}`] : []),
    `RHCOS and other files on the web server: ${result.webFiles}`,
    ...result.disks.map(
      (disk) =>
        `disk: ${disk.folder}: ${formatBytes(disk.usedBytes)} of ${formatBytes(disk.totalBytes)} used, ${formatBytes(disk.freeBytes)} free`,
    ),
    lastCheck
      ? `last check: ${lastCheck.checkedAt}, ${lastCheck.errors} errors, ${lastCheck.warnings} warnings`
      : 'last check: none yet',
  ].join('\n');
}

function services({ background, restarting }: SiteStatus): string {
  if (background) return `services: process ${background.pid}, ${keeper(background)}, log ${background.logFile}`;
  if (!restarting) return 'no background services';
  const { supervisorPid, restarts, problem, logFile } = restarting;
  const why = problem === undefined ? '' : `: ${problem}`;
  return `services: DOWN${why}; process ${supervisorPid} starts them again, ${plural(restarts, 'time')} so far; log ${logFile}`;
}

function keeper({ supervisor, systemd }: NonNullable<SiteStatus['background']>): string {
  if (systemd) return 'kept by systemd';
  if (!supervisor) return 'without a supervisor of ours';
  const restarts = supervisor.restarts > 0 ? `, started again ${plural(supervisor.restarts, 'time')}` : '';
  return `kept by process ${supervisor.pid}${restarts}`;
}
