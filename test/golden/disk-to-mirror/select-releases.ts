import semver from 'semver';
import type { ChannelSet, PlatformSet } from './job.ts';

export interface UpdateGraph {
  readonly nodes: readonly { readonly version: string; readonly payload: string }[];
  readonly edges: readonly (readonly [number, number])[];
}

/** Payloads that oc-mirror selects from saved channel answers (reference §6.2 and §6.3), with its habit of writing bounds back. */
export function selectPayloads(
  platform: PlatformSet,
  graphOf: (arch: string, channel: string) => UpdateGraph,
): string[] {
  const arches = platform.platforms?.length
    ? ['multi']
    : platform.architectures?.length
      ? platform.architectures
      : ['amd64'];
  const channels = (platform.channels ?? []).map((channel) => ({ ...channel }));
  const payloads = new Set<string>();
  for (const arch of arches) {
    const ask = (channel: string): UpdateGraph => graphOf(arch, channel);
    for (const channel of channels) {
      const graph = ask(channel.name);
      Object.assign(channel, boundsOf(channel, graph));
      for (const one of selectInChannel(channel, graph)) payloads.add(one);
    }
    if (channels.length > 1) for (const one of selectAcross(channels, ask)) payloads.add(one);
  }
  return [...payloads];
}

function boundsOf(channel: ChannelSet, graph: UpdateGraph): { minVersion: string; maxVersion: string } {
  const versions = graph.nodes.map((node) => node.version).sort(semver.compare);
  const [first = '', last = ''] = [versions[0], versions.at(-1)];
  const open = !channel.minVersion && !channel.maxVersion && !channel.full;
  return { minVersion: channel.minVersion ?? (open ? last : first), maxVersion: channel.maxVersion ?? last };
}

function selectInChannel(channel: ChannelSet, graph: UpdateGraph): string[] {
  const { minVersion = '', maxVersion = '' } = channel;
  if (channel.shortestPath) return shortestPath(graph, minVersion, maxVersion);
  return graph.nodes
    .filter(({ version }) => semver.gte(version, minVersion) && semver.lte(version, maxVersion))
    .map((node) => node.payload);
}

/** Breadth first, the highest neighbour first; the ends alone when no way leads from one to the other. */
function shortestPath(graph: UpdateGraph, from: string, to: string): string[] {
  const [start, end] = [from, to].map((version) => graph.nodes.findIndex((node) => node.version === version));
  if (start === undefined || end === undefined || start < 0 || end < 0)
    throw new Error(`${from} or ${to} is not in the graph`);
  const before = new Map<number, number>([[start, -1]]);
  for (const at of before.keys()) {
    const next = graph.edges.filter(([tail]) => tail === at).map(([, head]) => head);
    const high = (node: number): string => graph.nodes[node]?.version ?? '';
    for (const node of next.sort((a, b) => semver.rcompare(high(a), high(b))))
      if (!before.has(node)) before.set(node, at);
  }
  const way = [start, end];
  for (let at = before.get(end) ?? -1; at >= 0; at = before.get(at) ?? -1) way.push(at);
  return [...new Set(way)].flatMap((at) => graph.nodes[at]?.payload ?? []);
}

/** From the smallest resolved minimum to the largest maximum, head by head through the minors between. */
function selectAcross(channels: readonly ChannelSet[], graphOf: (channel: string) => UpdateGraph): string[] {
  const lowest = [...channels].sort((a, b) => semver.compare(a.minVersion ?? '', b.minVersion ?? ''))[0];
  const highest = [...channels].sort((a, b) => semver.rcompare(a.maxVersion ?? '', b.maxVersion ?? ''))[0];
  if (!lowest?.minVersion || !highest?.maxVersion) throw new Error('no bounds');
  const parse = (name: string): { prefix: string; major: string; minor: number } => {
    const [, prefix = '', major = '', minor = ''] = /^(.+)-(\d+)\.(\d+)$/.exec(name) ?? [];
    return { prefix, major, minor: Number(minor) };
  };
  const headOf = (channel: string): string =>
    graphOf(channel)
      .nodes.map((node) => node.version)
      .sort(semver.rcompare)[0] ?? '';
  const [source, target] = [parse(lowest.name), parse(highest.name)];
  if (source.minor === target.minor) return shortestPath(graphOf(highest.name), lowest.minVersion, highest.maxVersion);
  let at = headOf(lowest.name);
  const found = shortestPath(graphOf(lowest.name), lowest.minVersion, at);
  for (let minor = source.minor + 1; minor <= target.minor; minor += 1) {
    const last = minor === target.minor;
    const channel = last ? highest.name : `${source.prefix}-${source.major}.${minor}`;
    const graph = graphOf(channel);
    const end = last ? highest.maxVersion : headOf(channel);
    const blocked = !graph.nodes.some((node) => node.version === at);
    if (blocked) return [...found, ...shortestPath(graphOf(highest.name), highest.maxVersion, highest.maxVersion)];
    found.push(...shortestPath(graph, at, end));
    at = end;
  }
  return found;
}
