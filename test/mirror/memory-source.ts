import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { AirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { type CollectOptions, collectImageSet, type HttpAccess } from '../../src/mirror/index.ts';
import { tarEnd, tarHeader, tarPadding } from '../../src/mirror/layer/tar-writer.ts';
import { type Descriptor, type Digest, digestOf, mediaTypes, type Source } from '../../src/oci/index.ts';
import { type CollectedSet, openKeptBlobs } from '../../src/plan/index.ts';
import { readImageSet } from '../helpers/golden.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** An uncompressed tar: path → content; null for a folder. */
export function tarOf(members: Readonly<Record<string, string | Buffer | null>>): Buffer {
  const blocks = Object.entries(members).flatMap(([path, content]) => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content ?? '');
    const kind = content === null ? 'folder' : 'file';
    return [tarHeader({ path, kind, sizeBytes: bytes.length, mode: 0o600 }), bytes, tarPadding(bytes.length)];
  });
  return Buffer.concat([...blocks, tarEnd]);
}

export interface ImageParts {
  readonly layers: readonly Buffer[];
  /** The `config` of the image config: labels, entrypoint. */
  readonly config?: object;
  readonly architecture?: string;
  readonly family?: 'docker' | 'oci';
}

/** Registries in memory: every host has every repository. */
export interface MemorySource {
  readonly source: Source;
  /** Blobs and manifests by digest. */
  readonly content: Map<string, Buffer>;
  putImage(parts: ImageParts): Descriptor;
  putArtifact(artifactType: string): Descriptor;
  putIndex(images: readonly Descriptor[], mediaType?: string): Descriptor;
  /** Makes `repository:tag` mean a manifest. */
  tag(name: string, image: Descriptor): void;
}

export function createMemorySource(): MemorySource {
  const content = new Map<string, Buffer>();
  const types = new Map<string, string>();
  const tags = new Map<string, Digest>();
  const put = (bytes: Buffer, mediaType: string): Descriptor => {
    const digest = digestOf(bytes);
    content.set(digest, bytes);
    types.set(digest, mediaType);
    return { mediaType, digest, size: bytes.length };
  };
  const find = (digest: string | undefined): Buffer => {
    const bytes = content.get(digest ?? '');
    if (bytes) return bytes;
    throw new AirlockError('MANIFEST_UNKNOWN', `there is no ${digest}`);
  };
  const source: Source = {
    async resolve(reference) {
      const digest = reference.digest ?? tags.get(`${reference.repository}:${reference.tag}`);
      return { digest: digest as Digest, mediaType: types.get(digest ?? '') ?? '', size: find(digest).length };
    },
    async fetchManifest(reference) {
      const digest = reference.digest ?? tags.get(`${reference.repository}:${reference.tag}`);
      return { bytes: find(digest), mediaType: types.get(digest ?? '') ?? '', digest: digest as Digest };
    },
    fetchBlob: async (_, blob) => Readable.from([find(blob.digest)], { objectMode: false }),
    listTags: async () => [],
    listReferrers: async () => [],
  };
  return {
    source,
    content,
    putImage({ layers, config = {}, architecture = 'amd64', family = 'oci' }) {
      const isDocker = family === 'docker';
      const layer = isDocker ? mediaTypes.dockerLayerGzip : mediaTypes.ociLayerGzip;
      const manifest = isDocker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
      const diffIds = layers.map((bytes) => digestOf(bytes));
      const file = { architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: diffIds } };
      const configType = isDocker ? mediaTypes.dockerConfig : mediaTypes.ociConfig;
      const body = {
        schemaVersion: 2,
        mediaType: manifest,
        config: put(Buffer.from(JSON.stringify(file)), configType),
        layers: layers.map((bytes) => put(bytes, layer)),
      };
      return put(Buffer.from(JSON.stringify(body)), manifest);
    },
    putArtifact(artifactType) {
      const config = put(Buffer.from('{}'), mediaTypes.ociEmpty);
      const body = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, artifactType, config, layers: [config] };
      return put(Buffer.from(JSON.stringify(body)), mediaTypes.ociManifest);
    },
    putIndex: (manifests, mediaType = mediaTypes.ociIndex) =>
      put(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests })), mediaType),
    tag: (name, image) => void tags.set(name, image.digest),
  };
}

/** Nothing answers. */
export const noHttp: HttpAccess = {
  getUrl: async () => ({ status: 404, body: Buffer.alloc(0) }),
  headUrl: async () => ({ status: 404, sizeBytes: undefined }),
};

/** What is collected, and how to read what it holds. */
export type MemorySet = CollectedSet & { readonly read: (digest: string) => Promise<Buffer> };

export async function collectFrom(
  memory: MemorySource,
  mirror: object,
  options: CollectOptions & { readonly http?: HttpAccess } = {},
): Promise<MemorySet> {
  const kept = openKeptBlobs(await temporaryFolder());
  const run = quietRun();
  const { http = noHttp, ...others } = options;
  const imageSet = readImageSet('isc.yaml', JSON.stringify({ kind: 'ImageSetConfiguration', mirror }));
  const set = await collectImageSet({ imageSet, source: memory.source, http, kept, options: others }, run);
  const read = async (digest: string): Promise<Buffer> => {
    const bytes = (await kept.find(digest as Digest, run)) ?? memory.content.get(digest);
    if (!bytes) throw new Error(`nothing is kept as ${digest}`);
    return bytes;
  };
  return { ...set, read };
}

export const gzip = (bytes: Buffer): Buffer => gzipSync(bytes);
