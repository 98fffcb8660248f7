import type { HostedCluster, NodePool } from '../../config/index.ts';
import type { ClusterResources, MirroredContent } from '../cluster-resources.ts';
import { chronyMachineConfig, tagMirrorMachineConfig } from '../machine-configs.ts';
import { getRelease, releaseImage } from '../mirrored-release.ts';
import { labelName, namesFromFiles } from '../names.ts';
import { renderRegistriesConf } from '../registries-conf.ts';
import { type Resource, renderResource } from '../resource.ts';
import { getText, type SiteTexts } from '../texts.ts';
import { architecturesOf } from './hosted-cluster.ts';

/** What NodePools are made from. */
export interface NodePoolInput {
  readonly cluster: HostedCluster;
  readonly content: MirroredContent;
  readonly resources: ClusterResources;
  readonly ntp: readonly string[];
  readonly texts: SiteTexts;
}

/** Labels that tie the Agents of a pool's hosts to the pool. */
export function poolLabels(cluster: HostedCluster, pool: NodePool): Readonly<Record<string, string>> {
  return { 'hosted-cluster': cluster.name, 'node-pool': pool.name };
}

/** `<cluster>-<pool>`; just the cluster's name for a pool of that name. */
export function poolName(cluster: HostedCluster, pool: NodePool): string {
  return pool.name === cluster.name ? pool.name : labelName(cluster.name, pool.name);
}

/**
 * The NodePool. `scaled` false gives the first form with no replicas: Agents have to wait before a pool asks for hosts.
 * @throws AirlockError SITE_CONTENT_MISSING, SITE_TEXT_MISSING
 */
export function nodePool(pool: NodePool, scaled: boolean, input: NodePoolInput): Resource {
  const { cluster, content } = input;
  const release = getRelease(content, cluster.release, architecturesOf(cluster));
  const configMaps = poolConfigMaps(pool, input).map(({ metadata }) => ({ name: metadata.name }));
  const tuned = poolTunedMaps(pool, input).map(({ metadata }) => ({ name: metadata.name }));
  const labels = Object.keys(pool.labels).length > 0 ? { nodeLabels: { ...pool.labels } } : {};
  return {
    apiVersion: 'hypershift.openshift.io/v1beta1',
    kind: 'NodePool',
    metadata: { name: poolName(cluster, pool), namespace: cluster.namespace },
    spec: {
      clusterName: cluster.name,
      arch: pool.architecture,
      ...(scaled && pool.autoScaling
        ? { autoScaling: { ...pool.autoScaling } }
        : { replicas: scaled ? (pool.replicas ?? 0) : 0 }),
      release: { image: releaseImage(release, content) },
      management: {
        autoRepair: pool.autoRepair,
        upgradeType: pool.upgradeType,
        ...(pool.upgradeType === 'InPlace' ? { inPlace: { maxUnavailable: pool.maxUnavailable } } : {}),
      },
      nodeDrainTimeout: pool.nodeDrainTimeout,
      nodeVolumeDetachTimeout: pool.nodeVolumeDetachTimeout,
      platform: { type: 'Agent', agent: { agentLabelSelector: { matchLabels: poolLabels(cluster, pool) } } },
      ...labels,
      ...(pool.taints.length > 0 ? { taints: pool.taints.map((taint) => ({ ...taint })) } : {}),
      ...(configMaps.length > 0 ? { config: configMaps } : {}),
      ...(tuned.length > 0 ? { tuningConfig: tuned } : {}),
    },
  };
}

/** Of the ConfigMaps that Airlock makes for a pool; those from files have other ones. */
const ownNames: readonly string[] = ['chrony', 'tag-mirrors'];

/** ConfigMaps with machine configuration: time servers, tag mirrors, the user's own files. @throws AirlockError SITE_TEXT_MISSING */
export function poolConfigMaps(pool: NodePool, input: NodePoolInput): Resource[] {
  const { cluster, ntp, texts } = input;
  const prefix = poolName(cluster, pool);
  const tagConf = tagMirrorConf(input.resources);
  return [
    ...(ntp.length > 0
      ? [configMap(`${prefix}-chrony`, cluster, 'config', renderResource(chronyMachineConfig('worker', ntp)))]
      : []),
    ...(tagConf === undefined
      ? []
      : [configMap(`${prefix}-tag-mirrors`, cluster, 'config', renderResource(tagMirrorMachineConfig(tagConf)))]),
    ...namesFromFiles(pool.machineConfigs, ownNames).map((name, index) =>
      configMap(`${prefix}-${name}`, cluster, 'config', getText(texts, pool.machineConfigs[index] ?? '')),
    ),
  ];
}

/** ConfigMaps with Tuned and PerformanceProfile objects. @throws AirlockError SITE_TEXT_MISSING */
export function poolTunedMaps(pool: NodePool, { cluster, texts }: NodePoolInput): Resource[] {
  const taken = [...ownNames, ...namesFromFiles(pool.machineConfigs, ownNames)];
  return namesFromFiles(pool.tuned, taken).map((name, index) =>
    configMap(`${poolName(cluster, pool)}-${name}`, cluster, 'tuning', getText(texts, pool.tuned[index] ?? '')),
  );
}

/**
 * A NodePool takes no ImageTagMirrorSet, so tag rules travel as a drop-in file. A table of a drop-in replaces the main file's table for the
 * same source, therefore the digest rules of those sources stand in it too.
 */
function tagMirrorConf(resources: ClusterResources): string | undefined {
  const rules = resources.mappings.filter((rule) => rule.category !== 'catalog');
  const tagged = new Set(rules.filter((rule) => rule.pull === 'tag').map((rule) => rule.source));
  if (tagged.size === 0) return undefined;
  return renderRegistriesConf(rules.filter((rule) => tagged.has(rule.source))).replace(
    /^unqualified-search-registries.*\n+/,
    '',
  );
}

function configMap(name: string, cluster: HostedCluster, key: string, text: string): Resource {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: cluster.namespace },
    data: { [key]: text },
  };
}
