import type { PlatformSelection, ReleaseChannel } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { mapLimited } from '../../core/limit.ts';
import { redactText } from '../../core/redact.ts';
import type { Run } from '../../core/run.ts';
import { parseHttpUrl } from '../http-access.ts';
import { findEnds, selectAcrossChannels } from '../release/cross-channel.ts';
import { parseUpdateGraph, type ReleaseNode, type UpdateGraph } from '../release/graph.ts';
import { type ChannelSelection, selectReleases } from '../release/select.ts';
import { addNote, type Collector, orMissing } from './collector.ts';
import { defaultUpdateUrl, okdUpdateUrl } from './options.ts';
import { keepWorkingFile } from './working-files.ts';

/** A release that the channels select, on one architecture. */
export interface WantedRelease {
  readonly payload: string;
  readonly version: string;
  /** As asked of the update service; 'amd64' … 'multi'. */
  readonly architecture: string;
  readonly channels: readonly string[];
}

/**
 * Resolves the channels, each architecture on its own (real oc-mirror carries the first one's bounds over to the others, reference §14).
 * A channel that fails, or that contributes nothing on an architecture, becomes an entry of `missing` with its own reason.
 */
export async function resolveChannels(
  collector: Collector,
  platform: PlatformSelection,
  run: Run,
): Promise<readonly WantedRelease[]> {
  if (platform.channels.length === 0) return [];
  const architectures = platform.platforms.length > 0 ? ['multi'] : platform.architectures;
  const perArchitecture = await mapLimited([...new Set(architectures)], 4, (architecture) =>
    resolveArchitecture(collector, platform.channels, architecture, run),
  );
  return perArchitecture.flat();
}

async function resolveArchitecture(
  collector: Collector,
  channels: readonly ReleaseChannel[],
  architecture: string,
  run: Run,
): Promise<WantedRelease[]> {
  const graphs = new Map<string, Promise<UpdateGraph>>();
  const graphOf = (channel: string, type: ReleaseChannel['type']): Promise<UpdateGraph> => {
    const known = graphs.get(channel) ?? fetchGraph(collector, channel, type, architecture, run);
    graphs.set(channel, known);
    return known;
  };
  const found = new Map<string, WantedRelease>();
  const add = (channel: string, nodes: readonly ReleaseNode[]): void => {
    for (const { payload, version } of nodes) {
      const names = new Set([...(found.get(payload)?.channels ?? []), channel]);
      found.set(payload, { payload, version, architecture, channels: [...names].sort() });
    }
  };
  const selections = await mapLimited(channels, 4, (channel) =>
    orMissing(collector, describe(channel.name, architecture), async () => {
      const selection = selectReleases(channel, await graphOf(channel.name, channel.type));
      for (const note of selection.notes) addNote(collector, note, run);
      add(channel.name, selection.nodes);
      return { channel, selection };
    }),
  );
  const resolved = selections.filter((one) => one !== undefined);
  if (resolved.length === channels.length) await crossChannels(collector, resolved, architecture, graphOf, add, run);
  return [...found.values()];
}

async function crossChannels(
  collector: Collector,
  resolved: readonly { readonly channel: ReleaseChannel; readonly selection: ChannelSelection }[],
  architecture: string,
  graphOf: (channel: string, type: ReleaseChannel['type']) => Promise<UpdateGraph>,
  add: (channel: string, nodes: readonly ReleaseNode[]) => void,
  run: Run,
): Promise<void> {
  if (resolved.length < 2) return;
  const ocp = resolved.filter((one) => one.channel.type === 'ocp');
  const ends = findEnds(
    ocp.map(({ channel, selection }) => ({ name: channel.name, min: selection.min, max: selection.max })),
  );
  if (!ends) return;
  await orMissing(collector, describe(`${ends.from.channel} to ${ends.to.channel}`, architecture), async () => {
    const across = await selectAcrossChannels(ends.from, ends.to, (channel) => graphOf(channel, 'ocp'));
    for (const note of across.notes) addNote(collector, note, run);
    add(`${ends.from.channel} to ${ends.to.channel}`, across.nodes);
  });
}

function describe(channel: string, architecture: string): { readonly type: 'ocpRelease'; readonly origin: string } {
  return { type: 'ocpRelease', origin: `channel ${channel} (${architecture})` };
}

async function fetchGraph(
  collector: Collector,
  channel: string,
  type: ReleaseChannel['type'],
  architecture: string,
  run: Run,
): Promise<UpdateGraph> {
  const url = parseHttpUrl(type === 'okd' ? okdUpdateUrl : (collector.options.updateUrl ?? defaultUpdateUrl));
  url.searchParams.set('arch', architecture);
  url.searchParams.set('channel', channel);
  const { status, body } = await collector.http.getUrl(url.href, { accept: 'application/json' }, run);
  if (status !== 200) {
    throw new AirlockError(
      'RELEASE_CHANNEL_FAILED',
      `the update service does not know channel ${channel} for ${architecture}: HTTP ${status}`,
      {
        hint: 'check the channel name and the architecture',
      },
    );
  }
  const graph = parseUpdateGraph(body.toString('utf8'));
  // Real oc-mirror reads this file instead of asking when it loads the bundle (reference §4.7).
  await keepWorkingFile(
    collector,
    `hold-release/cincinnati-graph-data/${architecture}-${channel}.json`,
    body,
    redactText(url.href),
    run,
  );
  return graph;
}
