import { type ClientFor, connectCluster, createClientFor, listUsedImages, type UsedImages } from '../cluster/index.ts';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import { readFileLimited } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { type Digest, isDigest } from '../oci/index.ts';
import type { SelectedImage } from '../plan/index.ts';
import type { Bastion } from './bastion.ts';
import { type LoadedContent, readLoadedContent } from './loaded.ts';

/** How it is found out which images are in use. */
export interface LiveRequest {
  /** Images that the user names. */
  readonly liveDigests: readonly Digest[];
  /** Of the management cluster; left out: the site's, then `usualKubeconfig`. */
  readonly kubeconfig?: string | undefined;
  /** What `KUBECONFIG` says. */
  readonly usualKubeconfig?: string | undefined;
  /** false: no cluster is asked. */
  readonly askCluster: boolean;
}

/** What clusters said. */
export interface ClusterUse {
  readonly kubeconfig: string;
  readonly clusters: readonly string[];
  /** Objects that name images. */
  readonly objects: number;
  /** Digests that they name. */
  readonly images: number;
}

/** Reads digests that a user wrote. @throws AirlockError USAGE */
export function parseLiveDigests(texts: readonly string[]): Digest[] {
  return texts.map((text) => {
    const digest = text.replace(/^.*@/, '');
    if (isDigest(digest)) return digest;
    throw new AirlockError('USAGE', `"${text}" is no digest`, { hint: 'write sha256:… or NAME@sha256:…' });
  });
}

/**
 * Every image in use, by digest: what the user names, releases of the site's hosted clusters, and what live objects of the clusters name. Of a
 * release all components count, since operators start them when they need them.
 * @throws AirlockError FILE_NOT_FOUND, KUBECONFIG_INVALID, CLUSTER_UNREACHABLE, CLUSTER_REFUSED
 */
export async function liveDigestsOf(
  request: LiveRequest,
  { site, state }: Pick<Bastion, 'site' | 'state'>,
  run: Run,
): Promise<{ readonly digests: readonly Digest[]; readonly cluster: ClusterUse | undefined }> {
  const content = await readLoadedContent(state, run);
  const digests = new Set<Digest>(request.liveDigests);
  const versions = new Set(site?.hostedClusters.map((cluster) => cluster.release));
  for (const release of content.releases) if (versions.has(release.version)) digests.add(release.digest);
  const kubeconfig = request.askCluster ? await findClusterFile(request, site, run) : undefined;
  const used = kubeconfig === undefined ? undefined : await askClusters(kubeconfig, run);
  for (const digest of used?.digests ?? []) if (isDigest(digest)) digests.add(digest);
  for (const digest of digestsOfTags(used?.tagged ?? [], content.images)) digests.add(digest);
  addComponents(digests, content.releases);
  const cluster =
    kubeconfig !== undefined && used
      ? { kubeconfig, clusters: used.clusters, objects: used.objects, images: used.digests.length }
      : undefined;
  return { digests: [...digests], cluster };
}

/** As `apply` finds it, but that a site whose cluster is not there yet may have none. */
async function findClusterFile(request: LiveRequest, site: Bastion['site'], run: Run): Promise<string | undefined> {
  const planned = site?.managementCluster?.kubeconfig;
  const file = request.kubeconfig ?? planned ?? request.usualKubeconfig;
  if (file !== undefined && file === planned && !(await run.disk.stat(file))) {
    const message = `no cluster is asked for images in use: ${file}, the kubeconfig of the site, is not there`;
    run.report({ stage: 'prune', state: 'log', level: 'warning', message });
    return undefined;
  }
  if (file !== undefined) await readFileLimited(file, run);
  return file;
}

async function askClusters(file: string, run: Run): Promise<UsedImages> {
  try {
    const clientFor: ClientFor = createClientFor(await connectCluster({ file }));
    return await listUsedImages(clientFor, run);
  } catch (error) {
    if (!isAirlockError(error, 'CLUSTER_UNREACHABLE', 'CLUSTER_REFUSED')) throw error;
    const hint =
      'what a cluster uses has to be known before anything goes; where it is gone for good leave it out with --no-cluster, and name images in use with --live';
    throw new AirlockError(error.code, error.message, { hint, cause: error });
  }
}

/** What a reference by tag means now: by the name that a node resolves through the mirror rules, or by the mirror's own below any host and prefix. */
function digestsOfTags(references: readonly string[], images: readonly SelectedImage[]): Digest[] {
  const byName = new Map<string, Digest[]>();
  const add = (name: string, digest: Digest): void => void byName.set(name, [...(byName.get(name) ?? []), digest]);
  for (const { origin, repository, tag, targets, digest } of images) {
    add(origin, digest);
    for (const name of [{ repository, tag }, ...targets]) add(`${name.repository}:${name.tag}`, digest);
  }
  return references.flatMap((reference) => {
    const steps = reference.split('/');
    return steps.flatMap((_, at) => byName.get(steps.slice(at).join('/')) ?? []);
  });
}

function addComponents(digests: Set<Digest>, releases: LoadedContent['releases']): void {
  for (const { digest, components } of releases)
    if (digests.has(digest)) for (const one of parseLiveDigests(Object.values(components))) digests.add(one);
}
