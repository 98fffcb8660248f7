import { compareVersions, findStrictVersion } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import type { Note } from '../../plan/index.ts';
import { findNode, type ReleaseNode, sortNodes, type UpdateGraph } from './graph.ts';
import { selectPath } from './select.ts';

/** One end of the way through several channels. */
export interface ChannelEnd {
  readonly channel: string;
  readonly version: string;
}

/**
 * What leads from the smallest selected release to the largest, through the channels of every minor between them (reference §6.3): in one
 * channel when both are of one minor, otherwise from head to head. A head that the next channel does not know ends the way with a note.
 * @throws AirlockError RELEASE_VERSION_UNKNOWN, RELEASE_CHANNEL_FAILED, RELEASE_CHANNEL_EMPTY
 */
export async function selectAcrossChannels(
  from: ChannelEnd,
  to: ChannelEnd,
  graphOf: (channel: string) => Promise<UpdateGraph>,
): Promise<{ readonly nodes: readonly ReleaseNode[]; readonly notes: readonly Note[] }> {
  if (from.channel === to.channel) return selectPath(to.channel, await graphOf(to.channel), from.version, to.version);
  const [source, target] = [parseChannel(from.channel), parseChannel(to.channel)];
  const notes: Note[] = [];
  const note = (code: string, message: string): void => void notes.push({ code, subject: to.channel, message });
  if (source.major !== target.major) {
    // Which minor is the last before another major no channel name says.
    note(
      'RELEASE_PATH_ABSENT',
      `the way from ${from.version} to ${to.version} is over majors and is not looked for; list the channels between them`,
    );
    return { nodes: [], notes };
  }
  if (target.prefix === 'eus' && target.minor - source.minor >= 2)
    note(
      'RELEASE_EUS_SKIP',
      `an EUS update over ${target.minor - source.minor} minors passes through the releases between them, which are taken too`,
    );
  const nodes: ReleaseNode[] = [];
  // Where a channel has no path between two of its releases neither is taken for it; the start and the end of the whole way are, by name.
  const walk = async (channel: string, start: string, end: string): Promise<void> => {
    const part = selectPath(channel, await graphOf(channel), start, end);
    if (!part.isPath)
      return note('RELEASE_PATH_ABSENT', `channel ${channel} has no update path from ${start} to ${end}`);
    nodes.push(...part.nodes);
    notes.push(...part.notes);
  };
  const take = async (channel: string, version: string): Promise<void> => {
    nodes.push(...selectPath(channel, await graphOf(channel), version, version).nodes);
  };
  let at = from.version;
  if (source.minor < target.minor) {
    at = headOf(from.channel, await graphOf(from.channel));
    await take(from.channel, from.version);
    await walk(from.channel, from.version, at);
  }
  // Two channels of one minor: from the start to the end in the second one.
  for (let minor = Math.min(source.minor + 1, target.minor); minor <= target.minor; minor += 1) {
    const isLast = minor === target.minor;
    const channel = isLast ? to.channel : `${source.prefix}-${target.major}.${minor}`;
    const graph = await graphOf(channel);
    const end = isLast ? to.version : headOf(channel, graph);
    if (!findNode(graph, at)) {
      note(
        'RELEASE_PATH_BLOCKED',
        `${at} is not in channel ${channel}; of the way to ${to.version} only ${end} is taken`,
      );
      // The release that was wanted of the channel that is closed, if the last channel has it: oc-mirror fails where it has not.
      if (isLast || findNode(await graphOf(to.channel), end)) await take(to.channel, end);
      return { nodes, notes };
    }
    await walk(channel, at, end);
    at = end;
  }
  await take(to.channel, to.version);
  return { nodes, notes };
}

/** The channels with the smallest `min` and the largest `max`. */
export function findEnds(
  channels: readonly { readonly name: string; readonly min: string; readonly max: string }[],
): { readonly from: ChannelEnd; readonly to: ChannelEnd } | undefined {
  const order = (a: string, b: string): number => {
    const [left, right] = [findStrictVersion(a), findStrictVersion(b)];
    return left && right ? compareVersions(left, right) : 0;
  };
  const [from] = [...channels].sort((a, b) => order(a.min, b.min));
  const [to] = [...channels].sort((a, b) => order(b.max, a.max));
  if (!from || !to) return undefined;
  return { from: { channel: from.name, version: from.min }, to: { channel: to.name, version: to.max } };
}

function headOf(channel: string, graph: UpdateGraph): string {
  const head = sortNodes(graph.nodes).at(-1);
  if (head) return head.version;
  throw new AirlockError('RELEASE_CHANNEL_EMPTY', `channel ${channel} has no releases`);
}

function parseChannel(name: string): { readonly prefix: string; readonly major: number; readonly minor: number } {
  const match = /^(.*)-(\d+)\.(\d+)$/.exec(name);
  if (!match)
    throw new AirlockError(
      'RELEASE_CHANNEL_FAILED',
      `channel ${name} does not end in -X.Y, so no way through several channels can be found`,
    );
  return { prefix: match[1] ?? '', major: Number(match[2]), minor: Number(match[3]) };
}
