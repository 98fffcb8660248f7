import { isAirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { ClientFor } from './apply.ts';
import type { ClusterClient } from './client.ts';
import { fieldAt, listAt } from './fields.ts';
import type { ClusterObject } from './types.ts';

/** What live objects name. */
export interface UsedImages {
  /** `sha256:…` of every reference by digest, sorted. */
  readonly digests: readonly string[];
  /** References by tag, sorted. */
  readonly tagged: readonly string[];
  /** How many objects name an image. */
  readonly objects: number;
  /** `management`, and each hosted cluster that was asked, as NAMESPACE/NAME. */
  readonly clusters: readonly string[];
}

/** Objects that run images or will start some, and the parts of them that say which. */
interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly parts: readonly string[];
  readonly labels?: string;
}

// A Pod by tag has the digest in its status. Workloads are there for those that have no Pod just now; a ReplicaSet without Pods is history.
const everywhere: readonly Kind[] = [
  { apiVersion: 'v1', kind: 'Pod', parts: ['spec', 'status'] },
  ...['Deployment', 'DaemonSet', 'StatefulSet'].map((kind) => ({ apiVersion: 'apps/v1', kind, parts: ['spec'] })),
  ...['CronJob', 'Job'].map((kind) => ({ apiVersion: 'batch/v1', kind, parts: ['spec'] })),
  { apiVersion: 'batch/v1beta1', kind: 'CronJob', parts: ['spec'] },
  { apiVersion: 'apps.openshift.io/v1', kind: 'DeploymentConfig', parts: ['spec'] },
  { apiVersion: 'operators.coreos.com/v1alpha1', kind: 'CatalogSource', parts: ['spec'] },
  // Operands that an operator will start. OLM copies a CSV of all namespaces into each of them.
  {
    apiVersion: 'operators.coreos.com/v1alpha1',
    kind: 'ClusterServiceVersion',
    parts: ['spec'],
    labels: '!olm.copiedFrom',
  },
  { apiVersion: 'olm.operatorframework.io/v1', kind: 'ClusterCatalog', parts: ['spec', 'status'] },
  { apiVersion: 'config.openshift.io/v1', kind: 'ClusterVersion', parts: ['spec.desiredUpdate', 'status.desired'] },
];

// The operating system of nodes may be an image of its own (on-cluster layering): it stands in the rendered config that a pool has or wants.
const poolKind = { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfigPool' } as const;
const configKind = { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfig' } as const;

const hostedKind = { apiVersion: 'hypershift.openshift.io/v1beta1', kind: 'HostedCluster' } as const;

const managementOnly: readonly Kind[] = [
  { ...hostedKind, parts: ['spec', 'status.version.desired'] },
  { apiVersion: 'hypershift.openshift.io/v1beta1', kind: 'NodePool', parts: ['spec'] },
  { apiVersion: 'hive.openshift.io/v1', kind: 'ClusterImageSet', parts: ['spec'] },
];

/**
 * Asks the management cluster and every hosted cluster on it which images their objects name: Pods and what starts them, installed operators with
 * their operands, catalogs, releases and the operating system of node pools. Only reads. A hosted cluster that has no kubeconfig yet runs nothing.
 * @throws AirlockError CLUSTER_UNREACHABLE, CLUSTER_REFUSED, KUBECONFIG_INVALID: half an answer would be no answer
 */
export async function listUsedImages(clientFor: ClientFor, run: Run): Promise<UsedImages> {
  const found = { digests: new Set<string>(), tagged: new Set<string>(), objects: 0 };
  const management = await clientFor('management', run);
  await readCluster(management, [...everywhere, ...managementOnly], found, run);
  const clusters = ['management'];
  for (const hosted of await management.list(hostedKind, run)) {
    const { name, namespace = '' } = hosted.metadata;
    const key = `${namespace}/${name}`;
    if (fieldAt(hosted, 'status.kubeconfig.name') === undefined) {
      const message = `hosted cluster ${key} has no kubeconfig yet, so it runs nothing of its own`;
      run.report({ stage: 'prune', state: 'log', level: 'info', message });
      continue;
    }
    await readCluster(await clientFor({ hosted: name, namespace }, run), everywhere, found, run);
    clusters.push(key);
  }
  const { digests, tagged, objects } = found;
  return { digests: [...digests].sort(), tagged: [...tagged].sort(), objects, clusters };
}

interface Found {
  readonly digests: Set<string>;
  readonly tagged: Set<string>;
  objects: number;
}

async function readCluster(client: ClusterClient, kinds: readonly Kind[], found: Found, run: Run): Promise<void> {
  for (const { parts, ...query } of kinds) {
    for (const object of await client.list(query, run)) addObject(object, parts, found);
  }
  await readReleaseHistory(client, found, run);
  const names = new Set<string>();
  for (const pool of await client.list(poolKind, run))
    for (const place of ['spec.configuration.name', 'status.configuration.name']) {
      const name = fieldAt(pool, place);
      if (typeof name === 'string') names.add(name);
    }
  for (const name of names) {
    const config = await findConfig(client, name, run);
    if (config) addObject(config, ['spec.osImageURL', 'spec.baseOSExtensionsContainerImage'], found);
  }
}

async function findConfig(client: ClusterClient, name: string, run: Run): Promise<ClusterObject | undefined> {
  try {
    return await client.find({ ...configKind, name }, run);
  } catch (error) {
    if (isAirlockError(error, 'CLUSTER_KIND_UNKNOWN')) return undefined;
    throw error;
  }
}

/** During an update nodes still run what the cluster comes from: history counts down to the first entry that was completed. */
async function readReleaseHistory(client: ClusterClient, found: Found, run: Run): Promise<void> {
  const places = [
    { query: { apiVersion: 'config.openshift.io/v1', kind: 'ClusterVersion' }, path: 'status.history' },
    { query: hostedKind, path: 'status.version.history' },
  ];
  for (const { query, path } of places) {
    for (const object of await client.list(query, run)) {
      for (const entry of listAt(object, path)) {
        addText(fieldAt(entry, 'image'), true, found);
        if (fieldAt(entry, 'state') === 'Completed') break;
      }
    }
  }
}

function addObject(object: ClusterObject, parts: readonly string[], found: Found): void {
  const before = found.digests.size + found.tagged.size;
  let names = false;
  for (const part of parts) names = addValue(fieldAt(object, part), isImageField(lastWord(part)), found) || names;
  if (names || found.digests.size + found.tagged.size > before) found.objects += 1;
}

/** Goes through a value; says whether it names an image anywhere. */
function addValue(value: unknown, isImage: boolean, found: Found): boolean {
  if (typeof value === 'string') return addText(value, isImage, found);
  if (typeof value !== 'object' || value === null) return false;
  let names = false;
  for (const [key, item] of Object.entries(value)) {
    const inherits = Array.isArray(value) ? isImage : isImageField(key);
    names = addValue(item, inherits, found) || names;
  }
  return names;
}

/** Digests wherever they stand, since operators get their operands as arguments and environment; names with a tag only where an image is meant. */
function addText(value: unknown, isImage: boolean, found: Found): boolean {
  if (typeof value !== 'string') return false;
  const digests = [...value.matchAll(/@(sha256:[0-9a-f]{64})(?![0-9a-f])/g)].flatMap(([, digest]) => digest ?? []);
  for (const digest of digests) found.digests.add(digest);
  if (digests.length > 0) return true;
  if (!isImage || !/^(?:docker:\/\/)?[^\s/@]+\/[^\s@]+:[\w.-]+$/.test(value)) return false;
  found.tagged.add(value.replace(/^docker:\/\//, ''));
  return true;
}

function isImageField(name: string): boolean {
  return /^(?:image|releaseImage|ref|osImageURL)$/.test(name);
}

function lastWord(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
