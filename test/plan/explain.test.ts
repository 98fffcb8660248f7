import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/index.ts';
import {
  assemblePlan,
  type CollectedManifest,
  type CollectedSet,
  explainPlan,
  type SelectedImage,
} from '../../src/plan/index.ts';

/** An image of one layer; equal layers are one blob. */
interface Piece {
  readonly name: string;
  readonly layer: string;
  readonly reason: string;
  readonly bundles?: readonly string[];
}

const registry = 'registry.example.com/harbour';

function factsOf(pieces: readonly Piece[], catalogs: CollectedSet['catalogs'] = []): CollectedSet {
  const manifests = new Map<ReturnType<typeof digestOf>, CollectedManifest>();
  const images = pieces.map((piece): SelectedImage => {
    const layer = { mediaType: 'layer', digest: digestOf(Buffer.from(piece.layer)), size: piece.layer.length };
    const config = { mediaType: 'config', digest: digestOf(Buffer.from(`config ${piece.name}`)), size: 10 };
    const digest = digestOf(Buffer.from(`manifest ${piece.name}`));
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    manifests.set(digest, { digest, mediaType, size: 100, manifests: [], blobs: [config, layer], sources: [registry] });
    return {
      type: piece.bundles ? 'operatorRelatedImage' : 'generic',
      origin: `${registry}/${piece.name}:1`,
      source: `${registry}/${piece.name}@${digest}`,
      repository: `harbour/${piece.name}`,
      tag: '1',
      targets: [],
      digest,
      mediaType,
      absent: [],
      signature: 'unsigned',
      reason: piece.reason,
      ...(piece.bundles ? { operators: { packages: ['crane'], bundles: piece.bundles } } : {}),
    };
  });
  return { images, manifests, releases: [], catalogs, files: [], missing: [], notes: [] };
}

function explain(facts: CollectedSet, carried: readonly string[] = []) {
  const plan = assemblePlan(facts, {
    now: new Date(0),
    toolVersion: '1.0.0',
    engine: 'builtin',
    generation: 1,
    carriedBlobs: new Set(carried),
    carriedFiles: new Set(),
    imageSetDigest: digestOf(Buffer.alloc(0)),
    volumeSizeBytes: 1 << 30,
  });
  return { plan, explained: explainPlan(plan) };
}

function catalogOf(
  origin: string,
  channels: Readonly<Record<string, readonly string[]>>,
): CollectedSet['catalogs'][number] {
  const digest = digestOf(Buffer.from(origin));
  return {
    origin,
    digest,
    targetDigest: digest,
    repository: 'harbour/index',
    tag: 'v1',
    packages: [
      {
        name: 'crane',
        defaultChannel: 'stable',
        channels: Object.entries(channels).map(([name, bundles]) => ({
          name,
          bundles: bundles.map((bundle) => ({ name: bundle, version: '1.0.0', reason: `head of channel ${name}` })),
        })),
      },
    ],
  };
}

const layerOf = (sizeBytes: number, letter: string): string => letter.repeat(sizeBytes);

describe('explainPlan', () => {
  test('counts a release with all its components as one, and a blob for the first image that needs it', () => {
    const { plan, explained } = explain(
      factsOf([
        { name: 'payload', layer: layerOf(1000, 'p'), reason: 'release 4.19.10 amd64' },
        { name: 'cli', layer: layerOf(500, 'c'), reason: 'release 4.19.10 amd64: cli' },
        { name: 'tools', layer: layerOf(500, 'c'), reason: 'release 4.19.10 amd64: tools' },
        { name: 'widget', layer: layerOf(300, 'w'), reason: 'additional image' },
      ]),
    );
    expect(explained.packages).toEqual([]);
    expect([...explained.others].sort((a, b) => (a.reason < b.reason ? -1 : 1))).toEqual([
      { reason: 'additional image', images: 1, addedBytes: 410 },
      { reason: 'release 4.19.10 amd64', images: 3, addedBytes: 1000 + 500 + 3 * 110 },
    ]);
    expect(explained.others.reduce((sum, one) => sum + one.addedBytes, 0)).toBe(plan.totals.carried.bytes);
  });

  test('gives each package, channel and bundle what it adds; a bundle in two channels counts in both, and once in its package', () => {
    const { explained } = explain(
      factsOf(
        [
          { name: 'crane-bundle', layer: layerOf(50, 'b'), reason: 'bundle crane.v1', bundles: ['crane.v1'] },
          {
            name: 'crane',
            layer: layerOf(700, 'c'),
            reason: 'related image of crane.v1, crane.v2',
            bundles: ['crane.v1', 'crane.v2'],
          },
          { name: 'winch', layer: layerOf(90, 'w'), reason: 'related image of crane.v2', bundles: ['crane.v2'] },
        ],
        [catalogOf(`${registry}/index:v1`, { stable: ['crane.v1', 'crane.v2'], old: ['crane.v1'] })],
      ),
    );
    const [first] = explained.packages;
    expect(first).toMatchObject({ name: 'crane', addedBytes: 50 + 700 + 90 + 3 * 110 });
    expect(first?.channels.map((channel) => [channel.name, channel.addedBytes])).toEqual([
      ['stable', 50 + 700 + 90 + 3 * 110],
      ['old', 50 + 700 + 2 * 110],
    ]);
    expect(first?.channels[0]?.bundles.map((bundle) => [bundle.name, bundle.addedBytes, bundle.reason])).toEqual([
      ['crane.v1', 50 + 700 + 2 * 110, 'head of channel stable'],
      ['crane.v2', 90 + 110, 'head of channel stable'],
    ]);
  });

  test('counts a bundle of one name in two catalogs once', () => {
    const { plan, explained } = explain(
      factsOf(
        [{ name: 'crane', layer: layerOf(700, 'c'), reason: 'bundle crane.v1', bundles: ['crane.v1'] }],
        [
          catalogOf(`${registry}/certified:v1`, { stable: ['crane.v1'] }),
          catalogOf(`${registry}/community:v1`, { stable: ['crane.v1'] }),
        ],
      ),
    );
    expect(explained.packages.map((one) => one.addedBytes)).toEqual([plan.totals.carried.bytes, 0]);
  });

  test('adds nothing for what an earlier generation carried', () => {
    const facts = factsOf([{ name: 'widget', layer: layerOf(300, 'w'), reason: 'additional image' }]);
    const { explained } = explain(facts, [digestOf(Buffer.from(layerOf(300, 'w')))]);
    expect(explained.others).toEqual([{ reason: 'additional image', images: 1, addedBytes: 110 }]);
  });
});
