import type { Run } from '../../core/run.ts';
import type { ClusterClient } from '../client.ts';
import { fieldAt } from '../fields.ts';
import type { ObjectRef } from '../types.ts';
import { pauseHosted } from './actions.ts';
import { clusterRef, getHosted, type HostedName, numberAt } from './objects.ts';

/** What writes to the etcd of a hosted cluster, in the order in which it is stopped: the operator first, which would start the others again. */
const writers = ['control-plane-operator', 'kube-apiserver', 'openshift-apiserver', 'openshift-oauth-apiserver'];

/** Where the former state is kept while the writers are stopped, so that a run that was cut off can be undone by the next one. */
const annotation = 'airlock.dev/before-etcd-backup';

/** What has to be put back. */
export interface StoppedWriters {
  /** Deployment → replicas. */
  readonly replicas: Readonly<Record<string, number>>;
  readonly wasPaused: boolean;
  /** While a restore is under way: what etcd was before, and a word for its old data. */
  readonly etcd?: { readonly members: number; readonly image: string; readonly kept: string };
}

/** The namespace of the control plane: as the HyperShift operator names it. */
export function controlPlaneNamespace(hosted: HostedName): string {
  return `${hosted.namespace}-${hosted.name.replaceAll('.', '-')}`;
}

/** What pauses or resumes a cluster and its node pools by hand. */
export function pauseCommand({ name, namespace }: HostedName, paused: boolean): string {
  const patch = `--type=merge -p '{"spec":{"pausedUntil":${paused ? '"true"' : 'null'}}}'`;
  const pools = `{range .items[?(@.spec.clusterName=="${name}")]}{.metadata.name}{"\\n"}{end}`;
  return [
    `oc patch hostedcluster -n ${namespace} ${name} ${patch}`,
    `oc get nodepool -n ${namespace} -o jsonpath='${pools}' | xargs -I NAME oc patch nodepool -n ${namespace} NAME ${patch}`,
  ].join(' && ');
}

/** How things are, or how they were before a run that did not come to its end. @throws AirlockError HOSTED_UNKNOWN, CLUSTER_* */
export async function readWriters(hosted: HostedName, client: ClusterClient, run: Run): Promise<StoppedWriters> {
  const cluster = await getHosted(hosted, client, run);
  const kept = cluster.metadata.annotations?.[annotation];
  if (kept !== undefined) return JSON.parse(kept) as StoppedWriters;
  const replicas: Record<string, number> = {};
  for (const name of writers) {
    const count = numberAt(await client.find(deployment(hosted, name), run), 'spec.replicas');
    if (count !== undefined && count > 0) replicas[name] = count;
  }
  return { replicas, wasPaused: fieldAt(cluster, 'spec.pausedUntil') !== undefined };
}

/** Pauses the cluster and stops what writes to its etcd: its API is down from here. @throws AirlockError CLUSTER_* */
export async function stopWriters(
  hosted: HostedName,
  before: StoppedWriters,
  client: ClusterClient,
  run: Run,
): Promise<void> {
  await annotate(hosted, JSON.stringify(before), client, run);
  await pauseHosted(hosted, true, client, run);
  for (const name of Object.keys(before.replicas)) await scale(hosted, name, 0, client, run);
}

/** Puts back what `stopWriters` changed. @throws AirlockError CLUSTER_* */
export async function startWriters(
  hosted: HostedName,
  before: StoppedWriters,
  client: ClusterClient,
  run: Run,
): Promise<void> {
  for (const [name, count] of Object.entries(before.replicas).reverse()) await scale(hosted, name, count, client, run);
  if (!before.wasPaused) await pauseHosted(hosted, false, client, run);
  await annotate(hosted, null, client, run);
}

async function annotate(hosted: HostedName, text: string | null, client: ClusterClient, run: Run): Promise<void> {
  const patch = { metadata: { annotations: { [annotation]: text } } };
  await client.mergePatch(clusterRef(hosted.name, hosted.namespace), patch, run);
}

async function scale(
  hosted: HostedName,
  name: string,
  replicas: number,
  client: ClusterClient,
  run: Run,
): Promise<void> {
  await client.mergePatch(deployment(hosted, name), { spec: { replicas } }, run);
}

function deployment(hosted: HostedName, name: string): ObjectRef {
  return { apiVersion: 'apps/v1', kind: 'Deployment', name, namespace: controlPlaneNamespace(hosted) };
}
