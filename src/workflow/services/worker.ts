import { loadSite } from '../../config/index.ts';
import { findParent } from '../../core/process-mark.ts';
import type { Run } from '../../core/run.ts';
import { prepareCertificates, prepareRegistryFiles, prepareUser } from '../site/prepare.ts';
import { servicesSettings } from '../site/services-settings.ts';
import { type ServiceEndpoint, writeFailure, writeServicesRecord } from './background.ts';
import { startServices } from './serve.ts';
import { settingsDigest } from './settings.ts';
import { supervise } from './supervise.ts';

/** Runs the services of a site in this process until the run is aborted. `onReady` is called once everything listens. */
export async function upForeground(
  siteFile: string,
  embedded: boolean,
  onReady: (endpoints: readonly ServiceEndpoint[]) => void,
  run: Run,
): Promise<void> {
  const { site } = await loadSite(siteFile, run);
  const certificates = await prepareCertificates(site, run);
  if (embedded) await prepareRegistryFiles(site, await prepareUser(site, run), certificates, run);
  const settings = servicesSettings(site, certificates.paths, embedded);
  const services = await startServices(settings, run).catch(async (error: unknown) => {
    await writeFailure(settings.stateFolder, error, run).catch(() => {});
    throw error;
  });
  const supervisor = await findParent((words) => words.includes('--supervised'));
  await writeServicesRecord(
    settings.stateFolder,
    {
      startedAt: run.now().toISOString(),
      settingsDigest: settingsDigest(settings),
      endpoints: services.endpoints,
      ...(supervisor ? { supervisor } : {}),
    },
    run,
  );
  onReady(services.endpoints);
  await new Promise<void>((resolve) => {
    if (run.signal.aborted) resolve();
    run.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await services.close();
}

/** Keeps the services of a site running in processes of their own until the run is aborted. @throws AirlockError SERVICES_FAILED */
export async function upSupervised(
  siteFile: string,
  embedded: boolean,
  selfCommand: readonly string[],
  run: Run,
): Promise<void> {
  const { site } = await loadSite(siteFile, run);
  await supervise({ command: workerCommand(selfCommand, siteFile, embedded), stateFolder: site.paths.state }, run);
}

/** The command line that runs the services of a site in the foreground: `airlock up --foreground`. */
export function workerCommand(selfCommand: readonly string[], siteFile: string, embedded: boolean): string[] {
  const registry = embedded ? ['--embedded-registry'] : [];
  return [...selfCommand, 'up', '--foreground', ...registry, '-f', siteFile, '--no-progress'];
}
