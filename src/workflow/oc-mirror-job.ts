import path from 'node:path';
import { acquireLock, type Lock } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Stage } from '../core/events.ts';
import type { Run } from '../core/run.ts';
import type { OcMirrorBinary, OcMirrorJob } from '../mirror/index.ts';
import type { EngineSettings } from './choose-engine.ts';
import { type LoadedConfiguration, workspaceOf } from './plan-image-set.ts';
import type { PlanRequest } from './requests.ts';

/** What build and mirror have in common when the real binary does the work. */
export interface OcMirrorWork {
  readonly request: PlanRequest & { readonly engine?: EngineSettings | undefined };
  readonly binary: OcMirrorBinary;
  readonly configuration: LoadedConfiguration;
}

/** `--cache-dir`, then `OC_MIRROR_CACHE`, then a folder of the workspace. */
export function cacheFolderOf(request: OcMirrorWork['request']): string {
  const { engine, source } = request;
  return path.resolve(
    engine?.cacheFolder ?? (source.env['OC_MIRROR_CACHE'] || path.join(workspaceOf(request), 'oc-mirror-cache')),
  );
}

/** Two runs must not share a cache. @throws AirlockError WORKSPACE_LOCKED */
export async function lockCache(request: OcMirrorWork['request'], run: Run): Promise<Lock> {
  // Beside what the binary keeps there: the cache may be somebody's home folder.
  const folder = path.join(cacheFolderOf(request), '.oc-mirror');
  await run.disk.makeDirectory(folder);
  return acquireLock(folder, 'airlock, with oc-mirror', run);
}

/** Our settings as the binary takes them. */
export function ocMirrorJob(work: OcMirrorWork, folder: string, stage: Stage): OcMirrorJob {
  const { request, binary, configuration } = work;
  const { source, selection } = request;
  return {
    binary,
    configFile: path.resolve(configuration.imageSet.file),
    folder,
    settings: {
      cacheFolder: cacheFolderOf(request),
      authFile: source.authFile,
      sourceTlsVerify: source.tlsVerify,
      targetTlsVerify: true,
      retryTimes: source.retryTimes,
      retryDelaySeconds: source.retryDelaySeconds,
      parallelImages: source.parallelImages,
      parallelLayers: source.parallelLayers,
      removeSignatures: selection.removeSignatures,
      ignoreReleaseSignature: selection.ignoreReleaseSignature,
    },
    env: source.env,
    environment: {
      registriesConfFile: source.registriesConfFile,
      releaseKeyFile: selection.releaseKeyFile,
      signatureUrl: selection.signatureUrl,
      updateUrl: selection.updateUrl,
    },
    logsFolder: path.join(workspaceOf(request), 'oc-mirror-runs'),
    stage,
  };
}

/** What "no images to copy" means to our users. */
export function nothingSelected({ imageSet }: LoadedConfiguration): AirlockError {
  return new AirlockError('NOTHING_SELECTED', `${imageSet.file} selects no image`, {
    hint: 'add releases, operators, additional images or charts; look at blockedImages, whose patterns match anywhere in a reference',
  });
}
