import { createHash } from 'node:crypto';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { ContentSources } from '../../src/bundle/index.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { type Digest, digestOf, mediaTypes } from '../../src/oci/index.ts';
import {
  assemblePlan,
  type CollectedManifest,
  type CollectedSet,
  type KeptBlobs,
  openKeptBlobs,
  type Plan,
  type SelectedFile,
  type SelectedImage,
  type SelectedRelease,
} from '../../src/plan/index.ts';

/** Bytes that look random and are the same for the same seed. */
export function seededBytes(seed: string, sizeBytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < sizeBytes; at += 32) blocks.push(createHash('sha256').update(`${seed}/${at}`).digest());
  return Buffer.concat(blocks).subarray(0, sizeBytes);
}

/** An image of the sample: its layers by size, or the images that an index names. */
export interface SampleImage {
  readonly repository: string;
  readonly tag: string;
  readonly layers?: readonly (readonly [seed: string, sizeBytes: number])[];
  readonly platforms?: readonly string[];
}

/** A made-up set of images and files, with everything a build needs. */
export interface Sample {
  readonly plan: Plan;
  readonly blobs: ReadonlyMap<Digest, Buffer>;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly facts: CollectedSet;
}

export interface SampleOptions {
  readonly images?: readonly SampleImage[];
  readonly files?: readonly {
    readonly path: string;
    readonly bytes: Buffer;
    readonly webPath?: string;
    readonly role?: SelectedFile['role'];
  }[];
  /** Releases of which payload and components are among the images, each by `repository:tag`. */
  readonly releases?: readonly {
    readonly version: string;
    readonly payload: string;
    readonly components: Readonly<Record<string, string>>;
  }[];
  readonly volumeSizeBytes?: number;
  readonly generation?: number;
  readonly parent?: Plan['parent'];
  readonly carried?: ReadonlySet<string>;
  readonly carriedFiles?: ReadonlySet<string>;
}

export const harbourImages: readonly SampleImage[] = [
  {
    repository: 'harbour/crane',
    tag: 'v1',
    layers: [
      ['base', 300_000],
      ['crane', 70_001],
    ],
  },
  {
    repository: 'harbour/lighthouse',
    tag: 'v2',
    layers: [
      ['base', 300_000],
      ['lighthouse', 3_000_000],
      ['lamp', 1],
    ],
  },
  { repository: 'harbour/ferry', tag: 'v3', platforms: ['amd64', 'arm64'], layers: [['ferry', 20_000]] },
];

const imageSetText = 'apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\nmirror: {}\n';

/** A sample set: the same options give the same plan. */
export function makeSample(options: SampleOptions = {}): Sample {
  const blobs = new Map<Digest, Buffer>();
  const manifests = new Map<Digest, CollectedManifest>();
  const images = (options.images ?? harbourImages).map((image) => addImage(image, blobs, manifests));
  const files = new Map<string, Buffer>();
  const selected: SelectedFile[] = [inlineFile('airlock/imageset.yaml', Buffer.from(imageSetText))];
  selected.push(inlineFile('working-dir/internal/oc-mirror-version.json', Buffer.from('{}'), 'working-dir'));
  for (const { path: name, bytes, webPath, role } of options.files ?? []) {
    files.set(name, bytes);
    const base = { path: name, sizeBytes: bytes.length, sha256: digestOf(bytes).slice(7), mode: 0o644, origin: name };
    const content = { kind: 'url', url: `https://files.example.com/${name}` } as const;
    selected.push({ ...base, role: role ?? 'coreos', content, ...(webPath ? { webPath } : {}) });
  }
  const releases = (options.releases ?? []).map((release) => releaseOf(release, images));
  const facts = { images, manifests, releases, catalogs: [], files: selected, missing: [], notes: [] };
  const plan = assemblePlan(facts, {
    now: new Date('2026-11-20T10:00:00Z'),
    toolVersion: '0.1.0',
    engine: 'builtin',
    generation: options.generation ?? 1,
    ...(options.parent ? { parent: options.parent } : {}),
    carriedBlobs: options.carried ?? new Set(),
    carriedFiles: options.carriedFiles ?? new Set(),
    imageSetDigest: digestOf(imageSetText),
    volumeSizeBytes: options.volumeSizeBytes ?? 500 * 1024 ** 3,
  });
  return { plan, blobs, files, facts };
}

function releaseOf(
  { version, payload, components }: NonNullable<SampleOptions['releases']>[number],
  images: readonly SelectedImage[],
): SelectedRelease {
  const find = (name: string): SelectedImage => {
    const image = images.find(({ repository, tag }) => `${repository}:${tag}` === name);
    if (!image) throw new Error(`${name} is not in the sample`);
    return image;
  };
  const { digest, origin, repository, tag } = find(payload);
  const named = Object.entries(components).map(([name, image]) => [name, find(image).source]);
  const fixed = { architecture: 'amd64', channels: [], signature: 'not-checked', coreos: [] } as const;
  return { version, digest, origin, repository, tag, components: Object.fromEntries(named), ...fixed };
}

function inlineFile(name: string, bytes: Buffer, role: SelectedFile['role'] = 'config'): SelectedFile {
  const content = { kind: 'inline', base64: bytes.toString('base64') } as const;
  return {
    path: name,
    sizeBytes: bytes.length,
    sha256: digestOf(bytes).slice(7),
    mode: 0o644,
    role,
    content,
    origin: 'test',
  };
}

function addImage(
  image: SampleImage,
  blobs: Map<Digest, Buffer>,
  manifests: Map<Digest, CollectedManifest>,
): SelectedImage {
  const put = (bytes: Buffer): { digest: Digest; size: number } => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { digest, size: bytes.length };
  };
  const source = `registry.example.com/${image.repository}`;
  const addManifest = (
    bytes: Buffer,
    rest: Pick<CollectedManifest, 'mediaType' | 'manifests' | 'blobs'>,
  ): CollectedManifest => {
    const manifest: CollectedManifest = { ...put(bytes), ...rest, sources: [source] };
    manifests.set(manifest.digest, manifest);
    return manifest;
  };
  const addOne = (architecture: string): CollectedManifest => {
    const layers = (image.layers ?? []).map(([seed, size]) => {
      const bytes = seededBytes(image.platforms ? `${seed}/${architecture}` : seed, size);
      return { mediaType: mediaTypes.ociLayer, ...put(bytes) };
    });
    const rootfs = { type: 'layers', diff_ids: layers.map((layer) => layer.digest) };
    const config = {
      mediaType: mediaTypes.ociConfig,
      ...put(Buffer.from(JSON.stringify({ architecture, os: 'linux', rootfs }))),
    };
    const mediaType = mediaTypes.ociManifest;
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
    return addManifest(bytes, { mediaType, manifests: [], blobs: [config, ...layers] });
  };
  let top: CollectedManifest;
  if (image.platforms) {
    const children = image.platforms.map((architecture) => {
      const { digest, size, mediaType } = addOne(architecture);
      return { mediaType, digest, size, platform: { os: 'linux', architecture } };
    });
    const mediaType = mediaTypes.ociIndex;
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: children }));
    top = addManifest(bytes, { mediaType, manifests: children, blobs: [] });
  } else top = addOne('amd64');
  return {
    type: 'generic',
    origin: `${source}:${image.tag}`,
    source: `${source}@${top.digest}`,
    repository: image.repository,
    tag: image.tag,
    targets: [{ repository: image.repository, tag: image.tag }],
    digest: top.digest,
    mediaType: top.mediaType,
    absent: [],
    signature: 'unsigned',
    reason: 'additional image',
  };
}

/** Sources out of memory, in pieces of `pieceBytes`; `onPiece` may wait or throw. */
export function sampleSources(
  sample: Sample,
  options: {
    readonly pieceBytes?: number;
    readonly onPiece?: (name: string, offset: number) => void | Promise<void>;
  } = {},
): ContentSources {
  const stream = (name: string, bytes: Buffer | undefined, offset: number): Readable => {
    if (!bytes) throw new Error(`${name} is not in the sample`);
    const size = options.pieceBytes ?? 64 << 10;
    const pieces = async function* (): AsyncGenerator<Buffer> {
      for (let at = offset; at < bytes.length; at += size) {
        await options.onPiece?.(name, at);
        yield bytes.subarray(at, at + size);
      }
    };
    return Readable.from(pieces(), { objectMode: false });
  };
  return {
    openBlob: async (blob, offset) => stream(blob.digest, sample.blobs.get(blob.digest), offset),
    openFile: async (file, offset) => stream(file.path, sample.files.get(file.path), offset),
  };
}

/** A workspace below `folder` that holds the sample's manifests, as planning leaves it. */
export async function keepManifests(sample: Sample, folder: string, run: Run = quietRun()): Promise<KeptBlobs> {
  const kept = openKeptBlobs(path.join(folder, '.airlock'));
  for (const blob of sample.plan.blobs) {
    const bytes = sample.blobs.get(blob.digest);
    if (blob.kept && bytes) await kept.put(bytes, run);
  }
  return kept;
}

/** Few members of all kinds in two volumes: every step of its journal can be tried. */
export const journalSample = makeSample({
  images: [
    {
      repository: 'harbour/buoy',
      tag: 'v1',
      layers: [
        ['base', 5000],
        ['buoy', 1_500_000],
      ],
    },
    // More small members than are written at once, and two between them that go alone.
    {
      repository: 'harbour/net',
      tag: 'v1',
      layers: [
        ...Array.from({ length: 18 }, (_, at) => [`knot ${at}`, 900 + at] as const),
        ['float', 140_000],
        ['sinker', 150_000],
      ],
    },
  ],
  volumeSizeBytes: 1_000_000,
});
