import { Readable } from 'node:stream';
import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import {
  type Descriptor,
  type Digest,
  digestHex,
  formatReference,
  manifestBlobs,
  parseManifest,
  parseReference,
  type Reference,
  type Source,
} from '../../oci/index.ts';

/**
 * The name under which Podman keeps an image that was loaded, not pulled. A digest cannot be given to a loaded image (the archive holds one
 * instance, the digest is often the index's), so it becomes part of the tag: `…/registry:3@sha256:ab12…` is kept as `…/registry:3-ab12…`.
 * @throws AirlockError REFERENCE_INVALID, REFERENCE_SHORT
 */
export function localImageName(image: string): string {
  const { registry, repository, tag, digest } = parseReference(image);
  const mark = digest && digestHex(digest).slice(0, 12);
  return `${registry}/${repository}:${[tag ?? (mark ? 'pinned' : 'latest'), ...(mark ? [mark] : [])].join('-')}`;
}

/** Which image of a source, for which platform when it is an index, and the name that Podman gives it. */
export interface ArchiveOptions {
  readonly reference: Reference;
  /** Go's name of the processor: `amd64`, `arm64` … */
  readonly architecture: string;
  /** A reference; Podman gets its `localImageName`. */
  readonly name: string;
}

/** An image as an oci-archive: the tar's bytes, and the id (digest of the config) that Podman gives the image. */
export interface ImageArchive {
  readonly imageId: Digest;
  readonly stream: Readable;
}

/**
 * Makes an oci-archive of an image that a store, a bundle or a registry holds, so that Podman loads it without pulling. Blobs stream.
 * @throws AirlockError IMAGE_ARCHIVE_INVALID when an index has no instance for the architecture; what the source throws
 */
export async function openImageArchive(source: Source, options: ArchiveOptions, run: Run): Promise<ImageArchive> {
  const { reference } = options;
  const name = localImageName(options.name);
  const instance = await resolveInstance(source, options, run);
  const fetched = await source.fetchManifest({ ...reference, digest: instance }, run);
  const manifest = parseManifest(fetched.bytes);
  const blobs = manifestBlobs(manifest);
  const [config] = blobs;
  if (!config) throw new AirlockError('IMAGE_ARCHIVE_INVALID', `${formatReference(reference)} is not an image`);
  const index = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      manifests: [
        {
          mediaType: manifest.mediaType,
          digest: fetched.digest,
          size: fetched.bytes.length,
          annotations: { 'org.opencontainers.image.ref.name': name },
        },
      ],
    }),
  );
  async function* members(): AsyncGenerator<Uint8Array> {
    yield* smallMember('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
    yield* smallMember('index.json', index);
    yield* smallMember(blobMember(fetched.digest), fetched.bytes);
    for (const blob of blobs) {
      yield header(blobMember(blob.digest), blob.size);
      yield* await source.fetchBlob(reference, blob, 0, run);
      yield padding(blob.size);
    }
    yield Buffer.alloc(1024);
  }
  return { imageId: config.digest, stream: Readable.from(members(), { objectMode: false }) };
}

async function resolveInstance(source: Source, options: ArchiveOptions, run: Run): Promise<Digest> {
  const { bytes, digest } = await source.fetchManifest(options.reference, run);
  const manifest = parseManifest(bytes);
  if (manifest.kind === 'image') return digest;
  const fits = ({ platform }: Descriptor): boolean =>
    platform?.os === 'linux' && platform.architecture === options.architecture;
  const found = manifest.manifests.find(fits);
  if (found) return found.digest;
  const reference = formatReference(options.reference);
  throw new AirlockError('IMAGE_ARCHIVE_INVALID', `${reference} has no image for linux/${options.architecture}`);
}

function blobMember(digest: Digest): string {
  return `blobs/${digest.slice(0, 6)}/${digestHex(digest)}`;
}

function* smallMember(name: string, bytes: Uint8Array): Generator<Uint8Array> {
  yield header(name, bytes.length);
  yield bytes;
  yield padding(bytes.length);
}

function padding(sizeBytes: number): Buffer {
  return Buffer.alloc((512 - (sizeBytes % 512)) % 512);
}

// POSIX ustar: name 0, mode 100, uid 108, gid 116, size 124, mtime 136, checksum 148, type 156, magic 257. Every name is short and every
// size below 8 GiB here fits the octal form; larger ones take GNU's base-256 form.
function header(name: string, sizeBytes: number): Buffer {
  const block = Buffer.alloc(512);
  if (Buffer.byteLength(name) > 100) throw new Error(`member name too long: ${name}`);
  block.write(name, 0);
  block.write('0000644\u0000', 100);
  block.write('0000000\u0000', 108);
  block.write('0000000\u0000', 116);
  if (sizeBytes < 8 ** 11) block.write(sizeBytes.toString(8).padStart(11, '0'), 124);
  else {
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  block.write('00000000000', 136);
  block.write(' '.repeat(8), 148);
  block.write('0', 156);
  block.write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148);
  return block;
}
