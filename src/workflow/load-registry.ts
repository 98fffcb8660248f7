import {
  type Bundle,
  blobDamaged,
  type FilePlaces,
  findNeededIncoming,
  type IncompleteImage,
  type PartSums,
  placeFiles,
  removeSpans,
  writeLoaded,
} from '../bundle/index.ts';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { MirrorTarget } from '../manifests/index.ts';
import { type CopyContent, type CopyFailure, type CopyResult, copyToTarget, type Digest } from '../oci/index.ts';
import { openBundleContent } from './bundle-content.ts';
import type { RemoteClients } from './clients.ts';
import { dropSent, type Incoming, isAway, sendLoose, takeIncoming } from './incoming-content.ts';
import { openRegistryClients, type RegistryAccess } from './site/registry-access.ts';

/** How a registry is reached, and where the rest of a bundle goes. */
export interface RegistryLoad extends RegistryAccess {
  readonly files: FilePlaces;
  /** Leave signatures and referrers in the bundle. */
  readonly removeSignatures?: boolean | undefined;
  /** Where it is remembered; left out: nowhere. */
  readonly state: string | undefined;
  /** Where content waits that came with a first medium and that the registry can take only with what is on another. */
  readonly waitingFolder: string;
  /** The target as load records name it. */
  readonly targetName: string;
}

/** One blob or manifest that did not get into the registry. */
export interface LoadFailure {
  readonly subject: string;
  readonly cause: string;
  /** Left out where it is no error of a request: the content is not here. */
  readonly code?: string;
  readonly hint?: string;
}

/** What a load into a registry did. */
export interface RegistryOutcome {
  readonly state: 'loaded' | 'nothing-new' | 'partial';
  /** Names of the parts, or volumes, that hold bytes which are still to come. */
  readonly neededPieces: readonly string[];
  readonly copied: Omit<CopyResult, 'failures'> & {
    readonly failures: readonly LoadFailure[];
    /** Images of which blobs are still to come, in other volumes or parts. */
    readonly waiting: readonly { readonly subject: string; readonly blobs: number }[];
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
  const clients = await openRegistryClients(options, true, run);
  try {
    const incoming = isAway(bundles)
      ? await takeIncoming(bundles, target, clients, options.waitingFolder, run)
      : undefined;
    const copied = await copyBundles(bundles, target, clients, options, incoming, run);
    const { needed, ...placed } = await placeAll(bundles, options.files, run);
    const complete = copied.failures.length === 0 && copied.waiting.length === 0 && placed.absent === 0;
    if (complete) await removeSpans(options.files, run);
    if (complete && options.state !== undefined)
      for (const bundle of bundles)
        await writeLoaded(options.state, bundle, { target: options.targetName, ...options.files }, run);
    const moved = copied.pushedBlobs + copied.mountedBlobs + copied.pushedManifests + copied.pushedTags + placed.files;
    const neededPieces = complete ? [] : await findNeeded(bundles, needed, incoming, options.waitingFolder, run);
    return { state: !complete ? 'partial' : moved > 0 ? 'loaded' : 'nothing-new', copied, placed, neededPieces };
  } finally {
    await clients.close();
  }
}

/** Names of the parts, or volumes, that hold what is neither at hand nor in the registry, and those of files. */
async function findNeeded(
  bundles: readonly Bundle[],
  ofFiles: readonly string[],
  incoming: Incoming | undefined,
  waitingFolder: string,
  run: Run,
): Promise<readonly string[]> {
  const isThere = (digest: Digest): boolean =>
    incoming !== undefined && (incoming.places.has(digest) || incoming.kept.has(digest));
  const names = new Set(ofFiles);
  for (const bundle of bundles)
    for (const name of await findNeededIncoming(bundle, waitingFolder, isThere, run)) names.add(name);
  return [...names].sort();
}

async function placeAll(
  bundles: readonly Bundle[],
  places: FilePlaces,
  run: Run,
): Promise<RegistryOutcome['placed'] & { readonly needed: readonly string[] }> {
  const all = { files: 0, bytes: 0, absent: 0, missing: new Set<string>(), needed: new Set<string>() };
  for (const bundle of bundles) {
    const one = await placeFiles(bundle, places, run);
    all.files += one.placedFiles;
    all.bytes += one.placedBytes;
    all.absent += one.absentFiles;
    for (const webPath of one.missingFiles) all.missing.add(webPath);
    for (const name of one.neededPieces) all.needed.add(name);
  }
  return { ...all, missing: [...all.missing], needed: [...all.needed] };
}

async function copyBundles(
  bundles: readonly Bundle[],
  target: MirrorTarget,
  clients: RemoteClients,
  { source: { parallelLayers: parallelBlobs }, removeSignatures }: RegistryLoad,
  incoming: Incoming | undefined,
  run: Run,
): Promise<RegistryOutcome['copied']> {
  const { store, source, content, settings } = await openBundleContent(
    bundles,
    target,
    { clients, parallelBlobs, incoming, removeSignatures },
    run,
  );
  try {
    const result = await copyToTarget(content, settings, run);
    if (!incoming)
      return {
        ...result,
        ...explain(await describeFailures(result.failures, bundles, run), store.incomplete, undefined),
      };
    const sent = new Set(store.repositories.flatMap((repository) => repository.layers));
    const openBlob: CopyContent['openBlob'] = (repository, blob, offsetBytes, run) =>
      source.fetchBlob({ registry: 'bundle', repository }, blob, offsetBytes, run);
    const loose = await sendLoose(bundles, incoming, sent, { openBlob }, settings, run);
    const failures = [...result.failures, ...loose.failures];
    await dropSent(incoming, new Set(failures.map((one) => one.digest)), bundles, run);
    return {
      ...addCounts(result, loose),
      ...explain(await describeFailures(failures, bundles, run), store.incomplete, incoming),
    };
  } finally {
    await store.close();
  }
}

function addCounts(one: CopyResult, other: CopyResult): CopyResult {
  return {
    ...one,
    pushedBlobs: one.pushedBlobs + other.pushedBlobs,
    pushedBytes: one.pushedBytes + other.pushedBytes,
    presentBlobs: one.presentBlobs + other.presentBlobs,
  };
}

/** What failed, and which images only wait for another medium. */
export function explain(
  failures: readonly LoadFailure[],
  incomplete: readonly IncompleteImage[],
  incoming: Incoming | undefined,
): Pick<RegistryOutcome['copied'], 'failures' | 'waiting'> {
  const isWaiting = ({ missing }: IncompleteImage): boolean => missing.every((digest) => incoming?.away.has(digest));
  const nameOf = ({ repository, tag }: IncompleteImage): string => `${repository}:${tag}`;
  return {
    failures: [
      ...failures,
      ...incomplete
        .filter((one) => !isWaiting(one))
        .map((one) => ({
          subject: nameOf(one),
          cause: `${one.missing.length} of its blobs are in no volume or part that is here`,
        })),
    ],
    waiting: incomplete.filter(isWaiting).map((one) => ({ subject: nameOf(one), blobs: one.missing.length })),
  };
}

/** Why blobs and manifests did not get there; of what the bundle gave with other bytes, where the damage is. */
export async function describeFailures(
  failures: readonly CopyFailure[],
  bundles: readonly Bundle[],
  run: Run,
): Promise<LoadFailure[]> {
  const described: LoadFailure[] = [];
  const sums: PartSums = new Map();
  for (const { repository, digest, error } of failures) {
    const isOurs = isAirlockError(error, 'DIGEST_MISMATCH') && error.side !== 'target';
    const told = isOurs ? await blobDamaged(digest, bundles, run, sums) : error;
    described.push({ subject: `${repository}@${digest}`, ...describeError(told) });
  }
  return described;
}

function describeError(error: unknown): Omit<LoadFailure, 'subject'> {
  const cause = error instanceof Error ? error.message : String(error);
  if (!(error instanceof AirlockError)) return { cause };
  return { cause, code: error.code, ...(error.hint === undefined ? {} : { hint: error.hint }) };
}
