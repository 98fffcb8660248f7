import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ReleaseChannel } from '../../src/config/index.ts';
import { findEnds, selectAcrossChannels } from '../../src/mirror/release/cross-channel.ts';
import { findShortestPath, parseUpdateGraph, sortNodes, type UpdateGraph } from '../../src/mirror/release/graph.ts';
import { selectReleases } from '../../src/mirror/release/select.ts';
import { describeShared } from '../helpers/real.ts';

/** A graph of versions and edges `from>to`. */
function graph(versions: string, edges = ''): UpdateGraph {
  const names = versions.split(' ');
  const nodes = names.map((version) => ({ version, payload: `quay.io/harbour/release@sha256:${version}` }));
  const pairs = edges === '' ? [] : edges.split(' ').map((edge) => edge.split('>').map((one) => names.indexOf(one)));
  return parseUpdateGraph(JSON.stringify({ nodes, edges: pairs }));
}

function channel(options: Partial<ReleaseChannel> = {}): ReleaseChannel {
  return { name: 'stable-4.19', type: 'ocp', shortestPath: false, full: false, ...options };
}

const versionsOf = (nodes: readonly { version: string }[]) => nodes.map((node) => node.version).join(' ');

describe('selectReleases', () => {
  const four = graph('4.19.10 4.19.2 4.19.9 4.18.30', '4.18.30>4.19.2 4.19.2>4.19.9 4.19.2>4.19.10 4.19.9>4.19.10');

  test.each<[Partial<ReleaseChannel>, string]>([
    [{}, '4.19.10'],
    [{ full: true }, '4.18.30 4.19.2 4.19.9 4.19.10'],
    [{ minVersion: '4.19.3' }, '4.19.9 4.19.10'],
    [{ minVersion: '4.19.2', full: true }, '4.19.2 4.19.9 4.19.10'],
    [{ maxVersion: '4.19.2' }, '4.18.30 4.19.2'],
    [{ minVersion: '4.19.2', maxVersion: '4.19.99' }, '4.19.2 4.19.9 4.19.10'],
    [{ minVersion: '4.18.30', maxVersion: '4.19.10', shortestPath: true }, '4.18.30 4.19.2 4.19.10'],
    [{ full: true, shortestPath: true }, '4.18.30 4.19.2 4.19.10'],
    [{ shortestPath: true }, '4.19.10'],
  ])('%j takes %s', (options, expected) => {
    expect(versionsOf(selectReleases(channel(options), four).nodes)).toBe(expected);
  });

  test.each<[Partial<ReleaseChannel>, string]>([
    [{ minVersion: '4.19' }, 'RELEASE_VERSION_INVALID'],
    [{ minVersion: '4.19.9', maxVersion: '4.19.2' }, 'RELEASE_RANGE_INVERTED'],
    [{ minVersion: '4.20.0' }, 'RELEASE_RANGE_INVERTED'],
    [{ minVersion: '4.19.3', maxVersion: '4.19.8' }, 'RELEASE_CHANNEL_EMPTY'],
    [{ minVersion: '4.19.3', maxVersion: '4.19.10', shortestPath: true }, 'RELEASE_VERSION_UNKNOWN'],
  ])('%j is refused with %s', (options, code) => {
    expect(() => selectReleases(channel(options), four)).toThrow(expect.objectContaining({ code }));
  });

  test('names the end of the range that the channel does not reach', () => {
    expect(() => selectReleases(channel({ maxVersion: '4.18.1' }), four)).toThrow(
      "maxVersion 4.18.1 is below the channel's first release 4.18.30",
    );
  });

  test('takes the two ends, with a note, where no path leads from one to the other', () => {
    const { nodes, notes } = selectReleases(
      channel({ minVersion: '4.19.1', maxVersion: '4.19.3', shortestPath: true }),
      graph('4.19.1 4.19.2 4.19.3', '4.19.1>4.19.2'),
    );
    expect(versionsOf(nodes)).toBe('4.19.1 4.19.3');
    expect(notes).toMatchObject([{ code: 'RELEASE_PATH_ABSENT' }]);
  });

  test('prefers the newer of two equally short paths', () => {
    const both = graph('4.19.1 4.19.2 4.19.3 4.19.4', '4.19.1>4.19.2 4.19.1>4.19.3 4.19.2>4.19.4 4.19.3>4.19.4');
    expect(versionsOf(findShortestPath(both, '4.19.1', '4.19.4') ?? [])).toBe('4.19.1 4.19.3 4.19.4');
  });
});

describe('selectAcrossChannels', () => {
  const graphs: Record<string, UpdateGraph> = {
    'stable-4.18': graph('4.18.20 4.18.24', '4.18.20>4.18.24'),
    'stable-4.19': graph('4.18.24 4.19.9 4.19.10', '4.18.24>4.19.9 4.19.9>4.19.10 4.18.24>4.19.10'),
    'stable-4.20': graph('4.19.10 4.20.1 4.20.3', '4.19.10>4.20.1 4.20.1>4.20.3'),
    'eus-4.20': graph('4.19.10 4.20.3', '4.19.10>4.20.3'),
  };
  const graphOf = async (name: string) => graphs[name] ?? graph('');

  test('goes from head to head through every minor', async () => {
    const found = await selectAcrossChannels(
      { channel: 'stable-4.18', version: '4.18.20' },
      { channel: 'stable-4.20', version: '4.20.3' },
      graphOf,
    );
    expect(versionsOf(found.nodes)).toBe('4.18.20 4.18.20 4.18.24 4.18.24 4.19.10 4.19.10 4.20.1 4.20.3 4.20.3');
  });

  test('ends with a note at a head that the next channel does not know', async () => {
    const blocked = async (name: string) =>
      name === 'stable-4.19' ? graph('4.19.9 4.19.10', '4.19.9>4.19.10') : graphOf(name);
    const found = await selectAcrossChannels(
      { channel: 'stable-4.18', version: '4.18.20' },
      { channel: 'stable-4.19', version: '4.19.9' },
      blocked,
    );
    expect(versionsOf(found.nodes)).toBe('4.18.20 4.18.20 4.18.24 4.19.9');
    expect(found.notes).toMatchObject([{ code: 'RELEASE_PATH_BLOCKED' }]);
  });

  test('takes the head of a channel between that is closed, where the last one has it', async () => {
    const closed = async (name: string) =>
      name === 'stable-4.19' ? graph('4.19.9 4.19.10', '4.19.9>4.19.10') : graphOf(name);
    const ends = [
      { channel: 'stable-4.18', version: '4.18.20' },
      { channel: 'stable-4.20', version: '4.20.3' },
    ] as const;
    const found = await selectAcrossChannels(...ends, closed);
    expect(versionsOf(found.nodes)).toBe('4.18.20 4.18.20 4.18.24 4.19.10');
    expect(found.notes).toMatchObject([{ code: 'RELEASE_PATH_BLOCKED' }]);
    const apart = async (name: string) =>
      name === 'stable-4.20' ? graph('4.20.1 4.20.3', '4.20.1>4.20.3') : closed(name);
    expect(versionsOf((await selectAcrossChannels(...ends, apart)).nodes)).toBe('4.18.20 4.18.20 4.18.24');
  });

  test('leaves out a head that no path leads to', async () => {
    const found = await selectAcrossChannels(
      { channel: 'stable-4.18', version: '4.18.20' },
      { channel: 'stable-4.19', version: '4.19.9' },
      async (name) => (name === 'stable-4.18' ? graph('4.18.20 4.18.24') : graph('4.18.24 4.19.9')),
    );
    expect(versionsOf(found.nodes)).toBe('4.18.20 4.19.9');
    expect(found.notes.map((note) => note.code)).toEqual(['RELEASE_PATH_ABSENT', 'RELEASE_PATH_ABSENT']);
  });

  test('goes from the start to the end in the second of two channels of one minor', async () => {
    const found = await selectAcrossChannels(
      { channel: 'stable-4.20', version: '4.19.10' },
      { channel: 'eus-4.20', version: '4.20.3' },
      graphOf,
    );
    expect(versionsOf(found.nodes)).toBe('4.19.10 4.20.3 4.20.3');
  });

  test('takes the end alone where the second channel of one minor does not know the start', async () => {
    const found = await selectAcrossChannels(
      { channel: 'stable-4.20', version: '4.20.1' },
      { channel: 'eus-4.20', version: '4.20.3' },
      graphOf,
    );
    expect(versionsOf(found.nodes)).toBe('4.20.3');
    expect(found.notes).toMatchObject([{ code: 'RELEASE_PATH_BLOCKED' }]);
  });

  test('looks for no way over majors, and says so', async () => {
    const found = await selectAcrossChannels(
      { channel: 'stable-4.20', version: '4.20.3' },
      { channel: 'stable-5.0', version: '5.0.1' },
      graphOf,
    );
    expect(found).toMatchObject({ nodes: [], notes: [{ code: 'RELEASE_PATH_ABSENT' }] });
  });

  test('says that an EUS update passes through other minors', async () => {
    const found = await selectAcrossChannels(
      { channel: 'stable-4.18', version: '4.18.20' },
      { channel: 'eus-4.20', version: '4.20.3' },
      graphOf,
    );
    expect(found.notes).toMatchObject([{ code: 'RELEASE_EUS_SKIP' }]);
  });

  test('starts at the smallest minimum and ends at the largest maximum', () => {
    const channels = [
      { name: 'stable-4.19', min: '4.19.9', max: '4.19.10' },
      { name: 'stable-4.18', min: '4.18.20', max: '4.18.24' },
    ];
    expect(findEnds(channels)).toEqual({
      from: { channel: 'stable-4.18', version: '4.18.20' },
      to: { channel: 'stable-4.19', version: '4.19.10' },
    });
  });
});

describe('parseUpdateGraph', () => {
  test.each(['', '[]', '{}', '{"nodes":[{"version":"4.19.1"}],"edges":[[0,7]]}'])('refuses %j', (body) => {
    expect(() => parseUpdateGraph(body)).toThrow(expect.objectContaining({ code: 'RELEASE_CHANNEL_FAILED' }));
  });
});

describeShared('parseUpdateGraph on real answers', 'data/graph/responses', (folder) => {
  const read = (name: string) => parseUpdateGraph(readFileSync(path.join(folder, name), 'utf8'));

  test('stable-4.13 has its nodes, edges and risks', () => {
    const real = read('stable-4.13_amd64_v1.json');
    expect(real.nodes).toHaveLength(98);
    expect([...real.edges.values()].flat()).toHaveLength(1171);
    expect(real.risks.length).toBeGreaterThan(0);
    expect(sortNodes(real.nodes).at(-1)?.version).toMatch(/^4\.13\./);
  });

  test('stable-4.13 tells the risks between selected releases', () => {
    const real = read('stable-4.13_amd64_v1.json');
    const { notes } = selectReleases(channel({ name: 'stable-4.13', full: true }), real);
    expect(notes.filter((note) => note.code === 'RELEASE_UPDATE_RISK').length).toBeGreaterThan(0);
  });

  test('stable-4.9 has the same versions on two architectures, with other payloads', () => {
    const [amd64, s390x] = [read('stable-4.9_amd64_v1.json'), read('stable-4.9_s390x_v1.json')];
    expect(versionsOf(sortNodes(amd64.nodes))).toBe(versionsOf(sortNodes(s390x.nodes)));
    expect(amd64.nodes[0]?.payload).not.toBe(
      s390x.nodes.find((node) => node.version === amd64.nodes[0]?.version)?.payload,
    );
  });
});
