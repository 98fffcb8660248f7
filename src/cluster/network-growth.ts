import { parseIpPrefix, prefixContains } from '../core/ip.ts';
import { fieldAt, listAt } from './fields.ts';
import type { ClusterObject } from './types.ts';

/** A range of the cluster's network that would not grow. */
export interface NetworkDifference {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * `Network/cluster` with the prefixes of nodes that the cluster was installed with, since they can never change; and ranges that do not hold
 * what is there: the API server takes them all, and the network operator stops.
 * @see OpenShift, "Configuring the cluster network range" and "Configuring the node port service range"
 */
export function settleNetwork(
  object: ClusterObject,
  live: ClusterObject,
): { readonly object: ClusterObject; readonly differences: readonly NetworkDifference[] } {
  const differences: NetworkDifference[] = [];
  const [before, after] = [fieldAt(live, ports) ?? '30000-32767', fieldAt(object, ports)];
  if (typeof after === 'string' && !holdsRange(after, String(before))) differences.push({ path: ports, before, after });
  const pods = listAt(object, network);
  const there = new Map(listAt(live, network).map((one) => [familyOf(one), one]));
  if (pods.length === 0 || there.size === 0) return { object, differences };
  if (pods.length !== listAt(live, network).length || !pods.every((one) => holdsNetwork(one, there.get(familyOf(one)))))
    differences.push({ path: network, before: listAt(live, network), after: pods });
  const clusterNetwork = pods.map((one) => ({
    ...(one as object),
    hostPrefix: fieldAt(there.get(familyOf(one)), 'hostPrefix') ?? fieldAt(one, 'hostPrefix'),
  }));
  return { object: { ...object, spec: { ...(object['spec'] as object), clusterNetwork } }, differences };
}

const ports = 'spec.serviceNodePortRange';
const network = 'spec.clusterNetwork';

function familyOf(entry: unknown): 4 | 6 {
  return String(fieldAt(entry, 'cidr')).includes(':') ? 6 : 4;
}

/** Whether the prefix holds the one that is there. */
function holdsNetwork(wider: unknown, there: unknown): boolean {
  const [ours, theirs] = [wider, there].map((one) => fieldAt(one, 'cidr'));
  if (typeof ours !== 'string' || typeof theirs !== 'string') return false;
  const [outer, inner] = [parseIpPrefix(ours), parseIpPrefix(theirs)];
  return outer.lengthBits <= inner.lengthBits && prefixContains(outer, inner.address);
}

function holdsRange(wider: string, there: string): boolean {
  const [outer, inner] = [wider, there].map((range) => range.split('-').map(Number));
  return (outer?.[0] ?? 0) <= (inner?.[0] ?? 0) && (outer?.[1] ?? 0) >= (inner?.[1] ?? 0);
}
