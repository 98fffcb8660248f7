import path from 'node:path';
import { acquireLock, type Lock } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Stage } from '../core/events.ts';
import type { Run } from '../core/run.ts';
import type { OcMirrorBinary, OcMirrorJob } from '../mirror/index.ts';
import type { LoadedConfiguration } from './bastion-files.ts';
import type { EngineSettings } from './choose-engine.ts';
import { workspaceOf } from './plan-image-set.ts';
import type { PlanRequest, SelectionSettings, SourceSettings } from './requests.ts';

/** What build and mirror have in common when the real binary does the work. */
export interface OcMirrorWork {
  readonly request: PlanRequest & { readonly engine?: EngineSettings | undefined };
  readonly binary: OcMirrorBinary;
  readonly configuration: LoadedConfiguration;
}

/** Where the binary works, and how it reaches registries. */
interface OcMirrorPlace {
  readonly engine?: EngineSettings | undefined;
  readonly source: SourceSettings;
  readonly workspace: string;
}

/** `--cache-dir`, then `OC_MIRROR_CACHE`, then a folder of the workspace. */
export function cacheFolderOf({ engine, source, workspace }: OcMirrorPlace): string {
  return path.resolve(
    engine?.cacheFolder ?? (source.env['OC_MIRROR_CACHE'] || path.join(workspace, 'oc-mirror-cache')),
  );
}

/** Where its mirror-to-mirror runs keep their working-dir. */
export function mirrorFolderOf(workspace: string): string {
  return path.join(workspace, 'oc-mirror-workspace');
}

/** Two runs must not share a cache. @throws AirlockError WORKSPACE_LOCKED */
export async function lockCache(place: OcMirrorPlace, run: Run): Promise<Lock> {
  // Beside what the binary keeps there: the cache may be somebody's home folder.
  const folder = path.join(cacheFolderOf(place), '.oc-mirror');
  await run.disk.makeDirectory(folder);
  return acquireLock(folder, 'airlock, with oc-mirror', run);
}

/** The place of a request. */
export function placeOf(request: OcMirrorWork['request']): OcMirrorPlace {
  return { engine: request.engine, source: request.source, workspace: workspaceOf(request) };
}

/** Our settings as the binary takes them. */
export function ocMirrorSettings(
  place: OcMirrorPlace & { readonly selection: Partial<SelectionSettings> },
  binary: OcMirrorBinary,
): Pick<OcMirrorJob, 'binary' | 'settings' | 'env' | 'environment' | 'logsFolder'> {
  const { source, selection, workspace } = place;
  return {
    binary,
    settings: {
      cacheFolder: cacheFolderOf(place),
      authFile: source.authFile,
      sourceTlsVerify: source.tlsVerify,
      targetTlsVerify: true,
      retryTimes: source.retryTimes,
      retryDelaySeconds: source.retryDelaySeconds,
      parallelImages: source.parallelImages,
      parallelLayers: source.parallelLayers,
      removeSignatures: selection.removeSignatures ?? false,
      ignoreReleaseSignature: selection.ignoreReleaseSignature ?? false,
    },
    env: source.env,
    environment: {
      registriesConfFile: source.registriesConfFile,
      releaseKeyFile: selection.releaseKeyFile,
      signatureUrl: selection.signatureUrl,
      updateUrl: selection.updateUrl,
    },
    logsFolder: path.join(workspace, 'oc-mirror-runs'),
  };
}

/** A run of the binary for the request's image set. */
export function ocMirrorJob(
  { request, binary, configuration }: OcMirrorWork,
  folder: string,
  stage: Stage,
): OcMirrorJob {
  return {
    ...ocMirrorSettings({ ...placeOf(request), selection: request.selection }, binary),
    configFile: path.resolve(configuration.imageSet.file),
    folder,
    stage,
  };
}

/** What "no images to copy" means to our users. */
export function nothingSelected({ imageSet }: LoadedConfiguration): AirlockError {
  return new AirlockError('NOTHING_SELECTED', `${imageSet.file} selects no image`, {
    hint: 'add releases, operators, additional images or charts; look at blockedImages, whose patterns match anywhere in a reference',
  });
}
