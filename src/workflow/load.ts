import path from 'node:path';
import {
  acquireLock,
  type Bundle,
  checkSignature,
  type LoadOutcome,
  listLoaded,
  loadedNumber,
  loadIntoStorage,
  openBundleSource,
  openBundleStore,
  writeLoaded,
} from '../bundle/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import { readFileLimited } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import type { MirrorTarget } from '../manifests/index.ts';
import {
  type CopyResult,
  type CredentialSource,
  contentFromSource,
  copyToTarget,
  type Digest,
  staticCredentials,
} from '../oci/index.ts';
import { adoptSite } from './adopt-site.ts';
import { findHolders, withAssumed } from './assumed-content.ts';
import { openTargetClients, type RemoteClients } from './clients.ts';
import { writeClusterResources } from './cluster-resources.ts';
import { readBundleContent } from './loaded.ts';
import { openMedia } from './media.ts';
import { placeRepositories } from './nested-names.ts';
import type { SourceSettings, TargetSettings } from './requests.ts';
import { siteTarget } from './site/endpoints.ts';
import { sitePaths } from './site/paths.ts';
import { prepareCertificates, prepareUser, registryTrustPem } from './site/prepare.ts';
import type { LoadTarget } from './target.ts';
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
  readonly source: SourceSettings;
  readonly targetSettings: TargetSettings;
}

/** What a load did. */
export interface LoadResult {
  readonly state: 'loaded' | 'nothing-new' | 'partial';
  readonly target: string;
  readonly generations: readonly LoadOutcome[];
  /** For a registry over HTTP. */
  readonly copied?: Omit<CopyResult, 'failures'> & {
    readonly failures: readonly { readonly subject: string; readonly cause: string }[];
  };
  readonly clusterResources: readonly string[];
  readonly signature: readonly { readonly generation: number; readonly state: string }[];
}

interface Places {
  readonly target: LoadTarget;
  readonly site: Site | undefined;
  readonly web: string | undefined;
  readonly tools: string | undefined;
  readonly files: string | undefined;
  readonly state: string | undefined;
}

/**
 * Loads a bundle, or a chain oldest first, into registry storage on this host or into a registry over HTTP; web files and tools beside.
 * Content is checked on the way. A second run does nothing.
 * @throws AirlockError BASE_MISSING, BUNDLE_DAMAGED, SIGNATURE_BAD, WORKSPACE_LOCKED, disk and registry errors
 */
export async function load(request: LoadRequest, run: Run): Promise<LoadResult> {
  const opened = await openMedia(request.bundle, request.media ?? [], run);
  const { bundles } = opened;
  const signature = await checkSignatures(bundles, request.keyFile, run);
  const { adoptFolder } = request;
  const adopts = adoptFolder !== undefined && !request.target && request.siteFile === undefined;
  const siteFile = adopts ? await adoptSite(bundles, adoptFolder, opened.run) : request.siteFile;
  const places = await findPlaces({ ...request, siteFile }, run);
  const { target } = places;
  const lock = places.state === undefined ? undefined : await acquireLock(places.state, 'airlock load', run);
  try {
    const done =
      target.kind === 'storage'
        ? await loadStorage(bundles, target.folder, places, opened.run)
        : await loadRegistry(bundles, target, request, places, opened.run);
    const served = target.kind === 'registry' ? target : request.servedAs;
    // Where there is a site, `emit` writes them with everything else.
    const clusterResources =
      served && !places.site
        ? await writeClusterResources(await readBundleContent(bundles, opened.run), served, request.outputFolder, run)
        : [];
    return { ...done, target: formatTarget(target), clusterResources, signature };
  } finally {
    await lock?.release();
  }
}

async function findPlaces(request: LoadRequest, run: Run): Promise<Places> {
  const site = request.siteFile === undefined ? undefined : (await loadSite(request.siteFile, run)).site;
  const own = site && !request.target ? sitePaths(site) : undefined;
  const target = request.target ?? (site && siteLoadTarget(site));
  if (!target) {
    throw new AirlockError('USAGE', 'no target', {
      hint: 'name storage:DIR or docker://HOST[:PORT][/PREFIX], or a site file with -f FILE',
    });
  }
  const storageState = target.kind === 'storage' ? path.join(target.folder, '.airlock') : undefined;
  return {
    target,
    site: own ? site : undefined,
    web: request.webFolder ?? own?.web,
    tools: request.toolsFolder ?? own?.tools,
    files: own?.files,
    state: request.stateFolder ?? own?.state ?? storageState,
  };
}

function siteLoadTarget(site: Site): LoadTarget {
  return site.registry.mode === 'external'
    ? { kind: 'registry', ...siteTarget(site) }
    : { kind: 'storage', folder: sitePaths(site).storage };
}

async function checkSignatures(
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

type Done = Pick<LoadResult, 'state' | 'generations' | 'copied'>;

async function loadStorage(bundles: readonly Bundle[], folder: string, places: Places, run: Run): Promise<Done> {
  const generations: LoadOutcome[] = [];
  for (const bundle of bundles) {
    const outcome = await loadIntoStorage(
      {
        bundle,
        storageRoot: folder,
        stateFolder: places.state ?? path.join(folder, '.airlock'),
        ...(places.web === undefined ? {} : { webRoot: places.web }),
        ...(places.tools === undefined ? {} : { toolsDir: places.tools }),
        ...(places.files === undefined ? {} : { filesDir: places.files }),
      },
      run,
    );
    generations.push(outcome);
    // What comes later builds on this one.
    if (outcome.kind === 'partial') break;
  }
  if (places.tools !== undefined) await writeToolSums(bundles, places.tools, run);
  const kinds = generations.map((one) => one.kind);
  const state = kinds.includes('partial') ? 'partial' : kinds.includes('loaded') ? 'loaded' : 'nothing-new';
  return { state, generations };
}

async function loadRegistry(
  bundles: readonly Bundle[],
  target: MirrorTarget,
  request: LoadRequest,
  places: Places,
  run: Run,
): Promise<Done> {
  const { site } = places;
  const { credentials, caFile } = site ? await siteAccess(site, run) : { credentials: undefined, caFile: undefined };
  const settings = { ...request.targetSettings, caFile: request.targetSettings.caFile ?? caFile };
  const clients = await openTargetClients(
    request.source,
    settings,
    request.targetSettings.authFile ? undefined : credentials,
    run,
  );
  try {
    const holders = findHolders(bundles, target);
    const store = await openBundleStore(
      bundles,
      {
        trustAssumed: true,
        readAssumed: (_, digest) => readAtTarget(clients, target.registry, holders(digest), digest, run),
      },
      run,
    );
    const { incomplete } = store;
    const { repositories, prefix, originals } = placeRepositories(store.repositories, target);
    const carried = contentFromSource({
      source: openBundleSource(store),
      repositories,
      locate: (name) => originals(name).map((repository) => ({ registry: 'bundle', repository })),
    });
    const content = withAssumed(carried, clients, target.registry, holders);
    const options = {
      target: clients.remote,
      mountFrom: ({ digest }: { readonly digest: Digest }) => holders(digest),
      registry: target.registry,
      prefix,
      stage: 'load',
      parallelBlobs: request.source.parallelLayers,
    } as const;
    const result = await copyToTarget(content, options, run).finally(() => store.close());
    const failures = [
      ...result.failures.map((one) => ({
        subject: `${one.repository}@${one.digest}`,
        cause: one.error instanceof Error ? one.error.message : String(one.error),
      })),
      ...incomplete.map((one) => ({
        subject: `${one.repository}:${one.tag}`,
        cause: `${one.missing.length} blobs are in no bundle of this chain`,
      })),
    ];
    const complete = failures.length === 0;
    if (complete && places.state !== undefined)
      await remember(bundles, formatTarget({ kind: 'registry', ...target }), places.state, run);
    const moved = result.pushedBlobs + result.mountedBlobs + result.pushedManifests + result.pushedTags;
    return {
      state: !complete ? 'partial' : moved > 0 ? 'loaded' : 'nothing-new',
      generations: [],
      copied: { ...result, failures },
    };
  } finally {
    await clients.close();
  }
}

/** Manifests that an earlier generation carried are read from the target: they say which blobs an image needs. */
async function readAtTarget(
  clients: RemoteClients,
  registry: string,
  holders: readonly string[],
  digest: Digest,
  run: Run,
): Promise<Buffer | undefined> {
  for (const repository of holders) {
    try {
      return (await clients.remote.fetchManifest({ registry, repository, digest }, run)).bytes;
    } catch (error) {
      if (!isAirlockError(error, 'MANIFEST_UNKNOWN')) throw error;
    }
  }
  return undefined;
}

/** The site's own user and CA for its external registry. */
async function siteAccess(
  site: Site,
  run: Run,
): Promise<{ credentials: CredentialSource; caFile: string | undefined }> {
  const user = await prepareUser(site, run);
  const certificates = await prepareCertificates(site, run);
  await registryTrustPem(site, certificates, run);
  return {
    credentials: staticCredentials(user.username, user.password, 'site file'),
    caFile: site.registry.caFile ?? certificates.paths.trust,
  };
}

async function remember(bundles: readonly Bundle[], target: string, stateFolder: string, run: Run): Promise<void> {
  for (const bundle of bundles) {
    const generation = loadedNumber(bundle, await listLoaded(stateFolder, run));
    const record = {
      apiVersion: 'airlock/v1alpha1',
      kind: 'LoadRecord',
      generation,
      indexDigest: bundle.indexDigest,
      loadedAt: run.now().toISOString(),
      bundleKind: bundle.kind,
      target,
    } as const;
    await writeLoaded(stateFolder, bundle, record, run);
  }
}

function formatTarget(target: LoadTarget): string {
  return target.kind === 'storage'
    ? target.folder
    : `docker://${[target.registry, target.prefix].filter(Boolean).join('/')}`;
}
