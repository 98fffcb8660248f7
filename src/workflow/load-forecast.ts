import path from 'node:path';
import {
  assertFinished,
  type Bundle,
  findCutVolumes,
  forecastChain,
  forecastFiles,
  type LoadForecast,
  type LoadSpace,
  measureSpace,
} from '../bundle/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import type { MirrorTarget } from '../manifests/index.ts';
import { forecastCopy } from '../oci/index.ts';
import { findCarriedSite } from './adopt-site.ts';
import { openBundleContent } from './bundle-content.ts';
import {
  checkSignatures,
  findAdoptFolder,
  findPlaces,
  type LoadRequest,
  type LoadResult,
  type Places,
} from './load.ts';
import { describeFailures, explain, type LoadFailure, type RegistryLoad } from './load-registry.ts';
import { openMedia } from './media.ts';
import { openRegistryClients, type RegistryAccess } from './site/registry-access.ts';
import { formatTarget } from './target.ts';

/** What a load would do; nothing of it was done. */
export interface LoadDryRun {
  readonly dryRun: true;
  /** `partial`: volumes, parts or what earlier generations brought are not there. */
  readonly state: 'to-load' | 'nothing-new' | 'partial';
  readonly target: string;
  /** Of storage on this host: each bundle, oldest first. */
  readonly generations: readonly LoadForecast[];
  /** Of a registry over HTTP: all bundles together. */
  readonly registry?: RegistryForecast;
  /** Of a registry over HTTP: what comes to this host beside. */
  readonly placed?: LoadFiles;
  readonly webFolder?: string;
  readonly toolsFolder?: string;
  /** Where the load would be remembered; left out: nowhere. */
  readonly stateFolder?: string;
  /** Where oc-mirror's cluster resources would be written; left out: nowhere. */
  readonly clusterResourcesFolder?: string;
  /** For each file system of this host what it would take, and what it has free. */
  readonly space: readonly Omit<LoadSpace, 'finding'>[];
  /** Volumes that are cut off, and folders where it does not fit. */
  readonly findings: readonly Finding[];
  readonly signature: LoadResult['signature'];
}

/** Files that would be placed on this host. */
export interface LoadFiles {
  readonly files: number;
  readonly bytes: number;
  readonly absent: number;
  readonly missing: readonly string[];
}

/**
 * What `load` would do with the same request: reads the bundle's index, and names and sizes at the target. Writes nothing and takes no lock, so
 * that it can be asked while a load runs.
 * @throws AirlockError as `load`, but for a lack of space, which is a finding
 */
export async function loadDryRun(request: LoadRequest, run: Run): Promise<LoadDryRun> {
  const opened = await openMedia(request.bundle, request.media ?? [], run);
  const { bundles } = opened;
  for (const bundle of bundles) assertFinished(bundle);
  const signature = await checkSignatures(bundles, request.keyFile, run);
  const places = await findPlaces(request, await findSite(request, bundles, opened.run), run);
  const { target, files, state } = places;
  const content =
    target.kind === 'storage'
      ? await forecastStorage(bundles, target.folder, places, opened.run)
      : await forecastRemote(bundles, target, { ...request, site: places.site }, places, opened.run);
  const measured = await measureSpace(content.needs, run);
  const { webRoot, toolsDir } = files;
  const served = target.kind === 'registry' || request.servedAs !== undefined;
  const { needs: _, ...rest } = content;
  return {
    dryRun: true,
    ...rest,
    target: formatTarget(target),
    ...(webRoot === undefined ? {} : { webFolder: webRoot }),
    ...(toolsDir === undefined ? {} : { toolsFolder: toolsDir }),
    ...(state === undefined ? {} : { stateFolder: state }),
    ...(served && !places.site ? { clusterResourcesFolder: request.outputFolder } : {}),
    space: measured.map(({ finding, ...space }) => space),
    findings: [...bundles.flatMap(cutFindings), ...measured.flatMap(({ finding }) => finding ?? [])],
    signature,
  };
}

/** A load would end within a volume that is cut off. */
function cutFindings(bundle: Bundle): Finding[] {
  return findCutVolumes(bundle).map(({ name, sizeBytes, foundBytes }) => ({
    code: 'VOLUME_DAMAGED',
    severity: 'error',
    subject: name,
    message: `has ${foundBytes} bytes, and should have ${sizeBytes}`,
    hint: 'copy this volume again from the connected side; airlock verify tells what else is wrong',
  }));
}

async function findSite(request: LoadRequest, bundles: readonly Bundle[], run: Run): Promise<Site | undefined> {
  if (request.siteFile !== undefined) return (await loadSite(request.siteFile, run)).site;
  const folder = findAdoptFolder(request);
  return folder === undefined ? undefined : findCarriedSite(bundles, folder, run);
}

type Content = Pick<LoadDryRun, 'state' | 'generations' | 'registry' | 'placed'> & {
  readonly needs: Awaited<ReturnType<typeof forecastFiles>>['needs'];
};

async function forecastStorage(
  bundles: readonly Bundle[],
  folder: string,
  { files, state }: Places,
  run: Run,
): Promise<Content> {
  const stateFolder = state ?? path.join(folder, '.airlock');
  const chain = bundles.map((bundle) => ({ bundle, storageRoot: folder, stateFolder, ...files }));
  const { generations, needs } = await forecastChain(chain, run);
  const kinds = generations.map(({ kind }) => kind);
  return {
    state: kinds.includes('partial') ? 'partial' : kinds.includes('to-load') ? 'to-load' : 'nothing-new',
    generations,
    needs,
  };
}

type RegistryQuestion = RegistryAccess & Partial<Pick<RegistryLoad, 'removeSignatures'>>;

async function forecastRemote(
  bundles: readonly Bundle[],
  target: MirrorTarget,
  access: RegistryQuestion,
  places: Places,
  run: Run,
): Promise<Content> {
  const registry = await forecastRegistry(bundles, target, access, run);
  const { placements, needs, absent, missingFiles } = await forecastFiles(bundles, places.files, run);
  const moved = registry.pushBlobs + registry.pushManifests + registry.pushTags + placements.length;
  const isPartial = registry.failures.length > 0 || absent > 0;
  const bytes = placements.reduce((sum, { size }) => sum + size, 0);
  return {
    state: isPartial ? 'partial' : moved > 0 ? 'to-load' : 'nothing-new',
    generations: [],
    registry,
    placed: { files: placements.length, bytes, absent, missing: missingFiles },
    needs,
  };
}

/** What a load into a registry would bring there. */
export interface RegistryForecast {
  readonly pushBlobs: number;
  readonly pushBytes: number;
  readonly presentBlobs: number;
  readonly pushManifests: number;
  readonly presentManifests: number;
  readonly pushTags: number;
  readonly presentTags: number;
  /** What would not get there: content that is neither in the bundle nor at the target, images that are not whole here. */
  readonly failures: readonly LoadFailure[];
}

/**
 * Asks a registry what `loadRegistry` would bring; changes nothing on either side, so that content of earlier media which waits for this load is
 * not counted.
 */
export async function forecastRegistry(
  bundles: readonly Bundle[],
  target: MirrorTarget,
  options: RegistryQuestion,
  run: Run,
): Promise<RegistryForecast> {
  const clients = await openRegistryClients(options, false, run);
  try {
    const { parallelLayers: parallelBlobs } = options.source;
    const reading = { clients, parallelBlobs, removeSignatures: options.removeSignatures };
    const { store, content, settings } = await openBundleContent(bundles, target, reading, run);
    try {
      const { blobs, manifests, tags, failures, ...present } = await forecastCopy(content, settings, run);
      const carried = new Set(bundles.flatMap(({ index }) => index.blobs.map(({ digest }) => digest)));
      const push = blobs.filter(({ digest }) => carried.has(digest));
      const lost = blobs.filter(({ digest }) => !carried.has(digest));
      return {
        ...present,
        pushBlobs: push.length,
        pushBytes: push.reduce((sum, { size }) => sum + size, 0),
        pushManifests: manifests,
        pushTags: tags,
        failures: [
          ...explain(await describeFailures(failures, bundles, run), store.incomplete, undefined).failures,
          ...lost.map(({ digest }) => ({
            subject: digest,
            cause: 'an earlier generation carried it, and it is not there',
          })),
        ],
      };
    } finally {
      await store.close();
    }
  } finally {
    await clients.close();
  }
}
