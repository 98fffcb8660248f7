import type { Stage } from '../core/events.ts';
import { readFileLimited } from '../core/files.ts';
import { createHttp, type HttpClient } from '../core/http.ts';
import { type Bandwidth, createBandwidth } from '../core/http-bandwidth.ts';
import { readBody } from '../core/http-body.ts';
import { createHostLimits } from '../core/http-concurrency.ts';
import { httpEnvironment } from '../core/http-proxy.ts';
import { type RetryPolicy, retry } from '../core/retry.ts';
import type { Run } from '../core/run.ts';
import type { HttpAccess } from '../mirror/index.ts';
import {
  authEnvironment,
  type CredentialSource,
  createAuthFiles,
  createRemote,
  defaultCertsDirs,
  loadRegistriesConf,
  type Source,
  smallPerLarge,
  type Target,
} from '../oci/index.ts';
import type { SourceSettings, TargetSettings } from './requests.ts';

/** The clients that reach registries and servers; closed when the verb is done. */
export interface RemoteClients {
  readonly remote: Source & Target;
  readonly http: HttpClient;
  readonly retryPolicy: RetryPolicy;
  /** Shared by everything that moves blobs and files. */
  readonly bandwidth: Bandwidth | undefined;
  close(): Promise<void>;
}

/** Small answers of servers beside registries (update service, signatures) are bounded. */
const answerLimitBytes = 256 << 20;

/** Clients for the source side. @throws AirlockError for files that cannot be read: --authfile, registries.conf, CA files */
export async function openSourceClients(settings: SourceSettings, stage: Stage, run: Run): Promise<RemoteClients> {
  return openClients({ ...settings, side: 'source', stage, registriesConf: true }, run);
}

/** Clients for the target registry. `credentials`: those of the site, in place of auth files. */
export async function openTargetClients(
  source: SourceSettings,
  target: TargetSettings,
  credentials: CredentialSource | undefined,
  run: Run,
): Promise<RemoteClients> {
  const settings = { ...source, ...target, side: 'target' as const, stage: 'load' as const, registriesConf: false };
  return openClients({ ...settings, ...(credentials ? { credentials } : {}) }, run);
}

interface ClientSettings extends SourceSettings {
  readonly side: 'source' | 'target';
  readonly stage: Stage;
  readonly registriesConf: boolean;
  readonly credentials?: CredentialSource;
}

async function openClients(settings: ClientSettings, run: Run): Promise<RemoteClients> {
  const { env, homeFolder, uid, stage } = settings;
  // A named file that cannot be read ends the run at once, whether or not a registry asks for credentials.
  if (settings.authFile !== undefined) await readFileLimited(settings.authFile, run);
  const environment = httpEnvironment(env);
  // Small requests go to a target several at a time for each blob, see `atOnce`; how many a source bears nobody knows.
  const requests = settings.parallelLayers * (settings.side === 'target' ? smallPerLarge : 1);
  const http = createHttp({
    ...environment,
    insecure: !settings.tlsVerify,
    connectionsPerHost: Math.max(8, settings.parallelLayers * 2, requests),
    ...(settings.caFile ? { caFiles: [settings.caFile] } : {}),
  });
  const user = { homeDir: homeFolder, ...(uid === undefined ? {} : { uid }) };
  const confFile = settings.registriesConfFile ?? env['CONTAINERS_REGISTRIES_CONF'];
  const retryPolicy = { retryTimes: settings.retryTimes, retryDelayMs: settings.retryDelaySeconds * 1000 };
  const bandwidth = settings.maxBytesPerSecond ? createBandwidth(settings.maxBytesPerSecond) : undefined;
  const remote = createRemote({
    http,
    side: settings.side,
    stage,
    tlsVerify: settings.tlsVerify,
    certsDirs: defaultCertsDirs(homeFolder),
    limits: createHostLimits(requests),
    retry: retryPolicy,
    credentials:
      settings.credentials ??
      createAuthFiles({
        ...authEnvironment(env, user),
        stage,
        helperEnv: { ...env },
        ...(settings.authFile ? { authFile: settings.authFile } : {}),
      }),
    ...(settings.registriesConf
      ? {
          registriesConf: await loadRegistriesConf(
            { homeDir: homeFolder, ...(confFile ? { file: confFile } : {}) },
            run,
          ),
        }
      : {}),
    ...(bandwidth ? { bandwidth } : {}),
  });
  return { remote, http, retryPolicy, bandwidth, close: () => http.close() };
}

/** What collecting needs of HTTP: small bodies, and sizes by HEAD. Broken connections and busy servers are tried again. */
export function httpAccess(clients: RemoteClients, stage: Stage): HttpAccess {
  return {
    getUrl: (url, headers, run) =>
      retry(
        async () => {
          const response = await clients.http.request({ method: 'GET', url, headers }, run);
          return { status: response.status, body: await readBody(response, answerLimitBytes) };
        },
        clients.retryPolicy,
        { stage, subject: url },
        run,
      ),
    headUrl: (url, run) =>
      retry(
        async () => {
          const response = await clients.http.request({ method: 'HEAD', url }, run);
          response.body.resume();
          const length = response.headers['content-length'];
          return { status: response.status, sizeBytes: length === undefined ? undefined : Number(length) };
        },
        clients.retryPolicy,
        { stage, subject: url },
        run,
      ),
  };
}
