import path from 'node:path';
import {
  acquireLock,
  assertFinished,
  type Bundle,
  checkSignature,
  type FilePlaces,
  type LoadOutcome,
  listLoaded,
  loadIntoStorage,
} from '../bundle/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { readFileLimited } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import type { MirrorTarget } from '../manifests/index.ts';
import { adoptSite } from './adopt-site.ts';
import { withoutFailed, writeClusterResources } from './cluster-resources.ts';
import { forgetIncoming, isAway } from './incoming-content.ts';
import { loadRegistry, type RegistryOutcome } from './load-registry.ts';
import { readBundleContent } from './loaded.ts';
import { openMedia } from './media.ts';
import type { SourceSettings, TargetSettings } from './requests.ts';
import { sitePaths } from './site/paths.ts';
import { formatTarget, type LoadTarget, siteLoadTarget } from './target.ts';
import { writeToolSums } from './tool-sums.ts';

export interface LoadRequest {
  readonly bundle: string;
  /** Further folders where parts of the same bundle lie. */
  readonly media?: readonly string[] | undefined;
  /** Left out: the registry of the site. */
  readonly target?: LoadTarget | undefined;
  readonly siteFile?: string | undefined;
  /** Where the bundle's own site file goes when there is neither target nor site; left out: it is not believed. */
  readonly adoptFolder?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Under which name a storage target will be served: cluster resources are written then. */
  readonly servedAs?: MirrorTarget | undefined;
  readonly outputFolder: string;
  readonly webFolder?: string | undefined;
  readonly toolsFolder?: string | undefined;
  readonly stateFolder?: string | undefined;
  /** Leave signatures and referrers in the bundle; for registries over HTTP alone. */
  readonly removeSignatures?: boolean | undefined;
  readonly source: SourceSettings;
  readonly targetSettings: TargetSettings;
}

/** What a load did. */
export interface LoadResult {
  readonly state: 'loaded' | 'nothing-new' | 'partial';
  readonly target: string;
  readonly generations: readonly LoadOutcome[];
  /** For a registry over HTTP: what went there, and which files came to this host. */
  readonly copied?: RegistryOutcome['copied'];
  readonly placed?: RegistryOutcome['placed'];
  /** Of a load that is partial: names of the parts, or volumes, that hold bytes which are still to come. */
  readonly neededPieces: readonly string[];
  readonly clusterResources: readonly string[];
  readonly signature: readonly { readonly generation: number; readonly state: string }[];
}

/** Where a load puts things. */
export interface Places {
  readonly target: LoadTarget;
  readonly site: Site | undefined;
  readonly files: FilePlaces;
  readonly state: string | undefined;
}

/**
 * Loads a bundle, or a chain oldest first, into registry storage on this host or into a registry over HTTP; web files and tools beside.
 * Content is checked on the way. A second run does nothing.
 * @throws AirlockError BASE_MISSING, BUNDLE_DAMAGED, BUNDLE_INCOMPLETE, SIGNATURE_BAD, USAGE, WORKSPACE_LOCKED, disk and registry errors
 */
export async function load(request: LoadRequest, run: Run): Promise<LoadResult> {
  const opened = await openMedia(request.bundle, request.media ?? [], run);
  const { bundles } = opened;
  for (const bundle of bundles) assertFinished(bundle);
  const signature = await checkSignatures(bundles, request.keyFile, run);
  const adoptFolder = findAdoptFolder(request);
  const siteFile = adoptFolder !== undefined ? await adoptSite(bundles, adoptFolder, opened.run) : request.siteFile;
  const site = siteFile === undefined ? undefined : (await loadSite(siteFile, run)).site;
  const places = await findPlaces(request, site, run);
  const { target } = places;
  // Without a state folder nothing is remembered, but what waits for another medium has to lie somewhere.
  const waitingFolder = places.state ?? path.join(request.outputFolder, '.airlock');
  const locks = places.state !== undefined || isAway(bundles);
  const lock = locks ? await acquireLock(waitingFolder, 'airlock load', run) : undefined;
  try {
    const done =
      target.kind === 'storage'
        ? await loadStorage(bundles, target.folder, places, opened.run)
        : await loadRegistry(
            bundles,
            target,
            { ...request, ...places, waitingFolder, targetName: formatTarget(target) },
            opened.run,
          );
    if (places.files.toolsDir !== undefined) await writeToolSums(bundles, places.files.toolsDir, run);
    const served = target.kind === 'registry' ? target : request.servedAs;
    const failures = 'copied' in done ? done.copied.failures : [];
    // Where there is a site, `emit` writes them with everything else.
    const content =
      served && !places.site && isSettled(done)
        ? withoutFailed(await readBundleContent(bundles, waitingFolder, opened.run), failures)
        : undefined;
    const clusterResources =
      served && content ? await writeClusterResources(content, served, request.outputFolder, run) : [];
    if (places.state !== undefined) await tellNewer(bundles, places.state, run);
    if (locks && done.state !== 'partial') await forgetIncoming(bundles, waitingFolder, run);
    return { generations: [], ...done, target: formatTarget(target), clusterResources, signature };
  } finally {
    await lock?.release();
    if (lock && places.state === undefined) await removeEmpty(waitingFolder, run);
  }
}

/** Whether nothing more is to come with other media: what failed then is out of the way of the rest, as in oc-mirror. */
function isSettled(done: Pick<LoadResult, 'state' | 'copied' | 'placed'>): boolean {
  if (done.state !== 'partial') return true;
  return done.copied !== undefined && done.copied.waiting.length === 0 && done.placed?.absent === 0;
}

/** Where the bundle's own site file is to lie, when it is the one that counts. */
export function findAdoptFolder({ adoptFolder, target, siteFile }: LoadRequest): string | undefined {
  return !target && siteFile === undefined ? adoptFolder : undefined;
}

/** Whoever loads an old bundle once more may want to go back to it; that is not what happens. */
async function tellNewer(bundles: readonly Bundle[], stateFolder: string, run: Run): Promise<void> {
  const loaded = await listLoaded(stateFolder, run);
  const newest = loaded.at(-1)?.record;
  if (!newest || bundles.some((bundle) => bundle.indexDigest === newest.indexDigest)) return;
  const known = loaded.some(({ record }) => bundles.some((bundle) => bundle.indexDigest === record.indexDigest));
  if (!known) return;
  const message = `generation ${newest.generation} is newer than this bundle, and its names stay: to go back, build a generation from the older configuration`;
  run.report({ stage: 'load', state: 'log', level: 'warning', message });
}

async function removeEmpty(folder: string, run: Run): Promise<void> {
  if ((await run.disk.list(folder)).length === 0) await run.disk.remove(folder);
}

/**
 * Where a load of a request and its site puts things.
 * @throws AirlockError USAGE when neither names a target, or a file stands where a folder has to be
 */
export async function findPlaces(request: LoadRequest, site: Site | undefined, run: Run): Promise<Places> {
  const places = choosePlaces(request, site);
  const { webRoot, toolsDir, filesDir } = places.files;
  const storage = places.target.kind === 'storage' ? places.target.folder : undefined;
  for (const folder of [storage, webRoot, toolsDir, filesDir, places.state])
    if (folder !== undefined && (await run.disk.stat(folder))?.kind === 'file')
      throw new AirlockError('USAGE', `${folder} is a file, and a load needs a folder there`, {
        hint: 'name a folder',
      });
  return places;
}

function choosePlaces(request: LoadRequest, site: Site | undefined): Places {
  const own = site && !request.target ? sitePaths(site) : undefined;
  const target = request.target ?? (site && siteLoadTarget(site));
  if (!target) {
    throw new AirlockError('USAGE', 'no target', {
      hint: 'name storage:DIR or docker://HOST[:PORT][/PREFIX], or a site file with -f FILE',
    });
  }
  if (request.removeSignatures && target.kind === 'storage')
    throw new AirlockError('USAGE', '--remove-signatures is about registries', {
      hint: 'load into docker://HOST[:PORT][/PREFIX], or build the bundle without signatures',
    });
  const storageState = target.kind === 'storage' ? path.join(target.folder, '.airlock') : undefined;
  return {
    target,
    site: own ? site : undefined,
    files: filePlaces(request.webFolder ?? own?.web, request.toolsFolder ?? own?.tools, own?.files),
    state: request.stateFolder ?? own?.state ?? storageState,
  };
}

function filePlaces(web: string | undefined, tools: string | undefined, files: string | undefined): FilePlaces {
  return {
    ...(web === undefined ? {} : { webRoot: web }),
    ...(tools === undefined ? {} : { toolsDir: tools }),
    ...(files === undefined ? {} : { filesDir: files }),
  };
}

/** What the key says of every bundle. @throws AirlockError SIGNATURE_BAD */
export async function checkSignatures(
  bundles: readonly Bundle[],
  keyFile: string | undefined,
  run: Run,
): Promise<LoadResult['signature']> {
  if (keyFile === undefined)
    return bundles.map((bundle) => ({ generation: bundle.index.generation, state: 'no key was given' }));
  const publicKeyPem = (await readFileLimited(keyFile, run)).toString();
  return bundles.map((bundle) => {
    const { generation } = bundle.index;
    // The signature covers the index, and the index the digest of every byte that is loaded and hashed below.
    const { state } = checkSignature(bundle, publicKeyPem);
    if (state === 'bad') {
      throw new AirlockError(
        'SIGNATURE_BAD',
        `${bundle.folder}: the signature does not fit the index and the given key`,
        {
          hint: 'nothing was loaded; ask for the right key, or for the bundle again',
        },
      );
    }
    if (state === 'unsigned') {
      throw new AirlockError(
        'SIGNATURE_BAD',
        `${bundle.folder}: the bundle is not signed, so the given key proves nothing`,
        {
          hint: 'nothing was loaded; build it with --signing-key, or load without --key',
        },
      );
    }
    return { generation, state };
  });
}

async function loadStorage(
  bundles: readonly Bundle[],
  folder: string,
  places: Places,
  run: Run,
): Promise<Pick<LoadResult, 'state' | 'generations' | 'neededPieces'>> {
  const generations: LoadOutcome[] = [];
  for (const bundle of bundles) {
    const outcome = await loadIntoStorage(
      {
        bundle,
        storageRoot: folder,
        stateFolder: places.state ?? path.join(folder, '.airlock'),
        ...places.files,
      },
      run,
    );
    generations.push(outcome);
    // What comes later builds on this one.
    if (outcome.kind === 'partial') break;
  }
  const kinds = generations.map((one) => one.kind);
  const state = kinds.includes('partial') ? 'partial' : kinds.includes('loaded') ? 'loaded' : 'nothing-new';
  return { state, generations, neededPieces: generations.flatMap((one) => one.neededPieces) };
}
