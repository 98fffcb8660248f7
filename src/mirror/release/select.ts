import type { ReleaseChannel } from '../../config/index.ts';
import { compareVersions, findStrictVersion } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import type { Note } from '../../plan/index.ts';
import { findNode, findShortestPath, type ReleaseNode, sortNodes, type UpdateGraph } from './graph.ts';

/** What a channel contributes on one architecture. */
export interface ChannelSelection {
  readonly nodes: readonly ReleaseNode[];
  /** The bounds that the range came to: the channel's own head or first release where the configuration leaves one open. */
  readonly min: ReleaseNode['version'];
  readonly max: ReleaseNode['version'];
  readonly notes: readonly Note[];
}

/**
 * The releases of a channel that its range asks for (reference §6.3, every row of its table).
 * @throws AirlockError RELEASE_VERSION_INVALID, RELEASE_RANGE_INVERTED, RELEASE_CHANNEL_EMPTY, RELEASE_VERSION_UNKNOWN
 */
export function selectReleases(channel: ReleaseChannel, graph: UpdateGraph): ChannelSelection {
  const sorted = sortNodes(graph.nodes);
  const [first, last] = [sorted[0], sorted[sorted.length - 1]];
  if (!first || !last) throw new AirlockError('RELEASE_CHANNEL_EMPTY', `channel ${channel.name} has no releases`);
  const wantsFirst = channel.full || channel.maxVersion !== undefined;
  const min = channel.minVersion ?? (wantsFirst ? first.version : last.version);
  const max = channel.maxVersion ?? last.version;
  const [low, high] = [strict(channel, min), strict(channel, max)];
  if (compareVersions(low, high) > 0) {
    const why =
      channel.maxVersion === undefined
        ? `minVersion ${min} is above the channel's newest release ${max}`
        : channel.minVersion === undefined
          ? `maxVersion ${max} is below the channel's first release ${min}`
          : `minVersion ${min} is above maxVersion ${max}`;
    throw new AirlockError('RELEASE_RANGE_INVERTED', `channel ${channel.name}: ${why}`);
  }
  if (channel.shortestPath) return selectPath(channel.name, graph, min, max);
  const nodes = sorted.filter(
    (node) => compareVersions(node.parsed, low) >= 0 && compareVersions(node.parsed, high) <= 0,
  );
  if (nodes.length > 0) return { nodes, min, max, notes: riskNotes(channel.name, graph, nodes) };
  throw new AirlockError('RELEASE_CHANNEL_EMPTY', `channel ${channel.name} has no release from ${min} to ${max}`, {
    hint: `its releases go from ${first.version} to ${last.version}`,
  });
}

/**
 * The nodes of the shortest path from `min` to `max`; only the ends, with a note, where there is none.
 * @throws AirlockError RELEASE_VERSION_UNKNOWN
 */
export function selectPath(
  channel: string,
  graph: UpdateGraph,
  min: string,
  max: string,
): ChannelSelection & { readonly isPath: boolean } {
  const [from, to] = [needNode(channel, graph, min), needNode(channel, graph, max)];
  const path = findShortestPath(graph, from.version, to.version);
  const nodes = path ?? [from, to];
  const notes = path
    ? riskNotes(channel, graph, nodes)
    : [
        {
          code: 'RELEASE_PATH_ABSENT',
          subject: channel,
          message: `there is no update path from ${from.version} to ${to.version}; only these two are taken`,
        },
      ];
  return { nodes, min: from.version, max: to.version, notes, isPath: path !== undefined };
}

function needNode(channel: string, graph: UpdateGraph, version: string): ReleaseNode {
  const node = findNode(graph, version);
  if (node) return node;
  throw new AirlockError('RELEASE_VERSION_UNKNOWN', `${version} is not in channel ${channel}`);
}

function strict(channel: ReleaseChannel, version: string): NonNullable<ReturnType<typeof findStrictVersion>> {
  const parsed = findStrictVersion(version);
  if (parsed) return parsed;
  throw new AirlockError(
    'RELEASE_VERSION_INVALID',
    `channel ${channel.name}: "${version}" is no version (write 4.19.10)`,
  );
}

/** Conditional edges between selected releases: oc-mirror ignores them, a person wants to know them before an update. */
export function riskNotes(channel: string, graph: UpdateGraph, nodes: readonly ReleaseNode[]): Note[] {
  const selected = new Set(nodes.map((node) => node.version));
  return graph.risks
    .filter((risk) => selected.has(risk.from) && selected.has(risk.to))
    .map((risk) => ({
      code: 'RELEASE_UPDATE_RISK',
      subject: `${channel} ${risk.from} to ${risk.to}`,
      message: `${risk.name}: ${risk.message.replace(/\s+/g, ' ').trim()}${risk.url ? ` (${risk.url})` : ''}`,
    }));
}
