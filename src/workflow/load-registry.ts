import {
  type Bundle,
  type FilePlaces,
  listLoaded,
  loadedNumber,
  openBundleSource,
  openBundleStore,
  placeFiles,
  writeLoaded,
} from '../bundle/index.ts';
import type { Site } from '../config/index.ts';
import { isAirlockError } from '../core/errors.ts';
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
import { findHolders, withAssumed } from './assumed-content.ts';
import { openTargetClients, type RemoteClients } from './clients.ts';
import { placeRepositories } from './nested-names.ts';
import type { SourceSettings, TargetSettings } from './requests.ts';
import { prepareCertificates, prepareUser, registryTrustPem } from './site/prepare.ts';

/** How a registry is reached, and where the rest of a bundle goes. */
export interface RegistryLoad {
  readonly source: SourceSettings;
  readonly targetSettings: TargetSettings;
  /** The site whose registry it is: its user and CA. */
  readonly site: Site | undefined;
  readonly files: FilePlaces;
  /** Where it is remembered; left out: nowhere. */
  readonly state: string | undefined;
  /** The target as load records name it. */
  readonly targetName: string;
}

/** What a load into a registry did. */
export interface RegistryOutcome {
  readonly state: 'loaded' | 'nothing-new' | 'partial';
  readonly copied: Omit<CopyResult, 'failures'> & {
    readonly failures: readonly { readonly subject: string; readonly cause: string }[];
  };
  /** Web files, tools and other files on this host. */
  readonly placed: {
    readonly files: number;
    readonly bytes: number;
    /** Files whose volume or part is not here. */
    readonly absent: number;
    /** Web paths that an earlier generation carried and that are not below the web root. */
    readonly missing: readonly string[];
  };
}

/** Loads bundles, oldest first, into a registry over HTTP; their web files, tools and other files into folders of this host. */
export async function loadRegistry(
  bundles: readonly Bundle[],
  target: MirrorTarget,
  options: RegistryLoad,
  run: Run,
): Promise<RegistryOutcome> {
  const clients = await openClients(options, run);
  try {
    const copied = await copyBundles(bundles, target, clients, options.source.parallelLayers, run);
    const placed = await placeAll(bundles, options.files, run);
    const complete = copied.failures.length === 0 && placed.absent === 0;
    if (complete && options.state !== undefined) await remember(bundles, options, options.state, run);
    const moved = copied.pushedBlobs + copied.mountedBlobs + copied.pushedManifests + copied.pushedTags + placed.files;
    return { state: !complete ? 'partial' : moved > 0 ? 'loaded' : 'nothing-new', copied, placed };
  } finally {
    await clients.close();
  }
}

async function openClients({ site, source, targetSettings }: RegistryLoad, run: Run): Promise<RemoteClients> {
  const { credentials, caFile } = site ? await siteAccess(site, run) : { credentials: undefined, caFile: undefined };
  const settings = { ...targetSettings, caFile: targetSettings.caFile ?? caFile };
  return openTargetClients(source, settings, targetSettings.authFile ? undefined : credentials, run);
}

async function placeAll(bundles: readonly Bundle[], places: FilePlaces, run: Run): Promise<RegistryOutcome['placed']> {
  const all = { files: 0, bytes: 0, absent: 0, missing: new Set<string>() };
  for (const bundle of bundles) {
    const one = await placeFiles(bundle, places, run);
    all.files += one.placedFiles;
    all.bytes += one.placedBytes;
    all.absent += one.absentFiles;
    for (const webPath of one.missingFiles) all.missing.add(webPath);
  }
  return { ...all, missing: [...all.missing] };
}

async function copyBundles(
  bundles: readonly Bundle[],
  target: MirrorTarget,
  clients: RemoteClients,
  parallelBlobs: number,
  run: Run,
): Promise<RegistryOutcome['copied']> {
  const holders = findHolders(bundles, target);
  const store = await openBundleStore(
    bundles,
    {
      trustAssumed: true,
      readAssumed: (_, digest) => readAtTarget(clients, target.registry, holders(digest), digest, run),
    },
    run,
  );
  try {
    const { repositories, prefix, originals } = placeRepositories(store.repositories, target);
    const carried = contentFromSource({
      source: openBundleSource(store),
      repositories,
      locate: (name) => originals(name).map((repository) => ({ registry: 'bundle', repository })),
    });
    const content = withAssumed(carried, clients, target.registry, holders);
    const settings = {
      target: clients.remote,
      mountFrom: ({ digest }: { readonly digest: Digest }) => holders(digest),
      registry: target.registry,
      prefix,
      stage: 'load',
      parallelBlobs,
    } as const;
    const result = await copyToTarget(content, settings, run);
    const failures = [
      ...result.failures.map((one) => ({
        subject: `${one.repository}@${one.digest}`,
        cause: one.error instanceof Error ? one.error.message : String(one.error),
      })),
      ...store.incomplete.map((one) => ({
        subject: `${one.repository}:${one.tag}`,
        cause: `${one.missing.length} of its blobs are in no volume or part that is here`,
      })),
    ];
    return { ...result, failures };
  } finally {
    await store.close();
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

async function remember(
  bundles: readonly Bundle[],
  { targetName, files }: RegistryLoad,
  stateFolder: string,
  run: Run,
): Promise<void> {
  for (const bundle of bundles) {
    const generation = loadedNumber(bundle, await listLoaded(stateFolder, run));
    const record = {
      apiVersion: 'airlock/v1alpha1',
      kind: 'LoadRecord',
      generation,
      indexDigest: bundle.indexDigest,
      loadedAt: run.now().toISOString(),
      bundleKind: bundle.kind,
      target: targetName,
      ...files,
    } as const;
    await writeLoaded(stateFolder, bundle, record, run);
  }
}
