import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { copyInto, type PourSink } from '../core/http-pour.ts';
import type { Run } from '../core/run.ts';
import { type Digest, digestAlgorithm, digestFromHex, digestHex, digestOf } from '../oci/index.ts';
import type { KeptBlobs, Plan, PlannedBlob, SelectedFile } from '../plan/index.ts';
import { type ExpectedData, pourStream } from './fill.ts';
import { bundleNames } from './format.ts';
import { imageSetMember, planBytes } from './layout.ts';
import type { Segment } from './segments.ts';

/** Where content comes from that the workspace does not hold. Streams may fail; they are opened again at the offset where they broke. */
export interface ContentSources {
  openBlob(blob: PlannedBlob, offsetBytes: number, run: Run): Promise<Readable>;
  /** As `openBlob` from `sink.receivedBytes` on, without the copies of a stream; where it is absent the stream is read. */
  pourBlob?(blob: PlannedBlob, sink: PourSink, run: Run): Promise<void>;
  /** For files whose content is a URL. */
  openFile(file: SelectedFile, offsetBytes: number, run: Run): Promise<Readable>;
  pourFile?(file: SelectedFile, sink: PourSink, run: Run): Promise<void>;
}

/** One place to get content from: brings it from `sink.receivedBytes` on. */
export type ContentOpener = (sink: PourSink, run: Run) => Promise<void>;

type OpenStream = (offsetBytes: number, run: Run) => Promise<AsyncIterable<Uint8Array>>;

function fromStream(open: OpenStream): ContentOpener {
  return async (sink, run) => pourStream(await open(sink.receivedBytes, run), sink, run);
}

/** A member whose data has to be brought: what it must be, and how to get it. */
export interface WantedMember {
  readonly expected: ExpectedData;
  readonly volume: number;
  readonly offset: number;
  /** What opens it, best first: the workspace before the network. */
  readonly openers: readonly ContentOpener[];
  readonly digest: Digest;
}

/** What the members of a build can be had from. */
export interface ContentPlaces {
  readonly plan: Plan;
  readonly kept: KeptBlobs;
  readonly sources: ContentSources;
  readonly toolFile?: string;
}

/** Makes the wanted member of a data segment. */
export function createWanted(places: ContentPlaces): (segment: Extract<Segment, { kind: 'data' }>) => WantedMember {
  const blobs = new Map(places.plan.blobs.map((blob) => [blob.digest, blob]));
  const files = new Map(places.plan.files.map((file) => [file.path, file]));
  const imageSet = files.get(bundleNames.imageSet);
  if (imageSet) files.set(imageSetMember(places.plan.createdAt), imageSet);
  return ({ volume, offset, size, content, path }) => {
    const at = { volume, offset };
    if (content.kind === 'blob') {
      const { digest } = content.blob;
      const expected = { name: digest, size, algorithm: digestAlgorithm(digest), hex: digestHex(digest) };
      return { ...at, digest, expected, openers: blobOpeners(places, digest, blobs.get(digest)) };
    }
    if (content.kind === 'index') throw new Error('the index is not brought from anywhere');
    const expected = { name: path, size, algorithm: 'sha256', hex: content.file.sha256 } as const;
    const digest = digestFromHex(content.file.sha256);
    return { ...at, digest, expected, openers: [fileOpener(places, path, digest, files.get(path))] };
  };
}

function blobOpeners(places: ContentPlaces, digest: Digest, blob: PlannedBlob | undefined): readonly ContentOpener[] {
  const { kept, sources } = places;
  const openers: ContentOpener[] = [];
  if (blob?.kept) {
    openers.push(async (sink, run) => {
      const held = kept.held(digest);
      if (held) await copyInto(sink, held.subarray(sink.receivedBytes));
      else await pourStream(await readFileFrom(kept.path(digest), sink.receivedBytes, run), sink, run);
    });
  }
  // A kept blob that was lost or damaged can still be had from where it came from; what Airlock made itself cannot.
  if (blob && (blob.sources.length > 0 || !blob.kept)) {
    const { pourBlob } = sources;
    if (pourBlob) openers.push((sink, run) => pourBlob(blob, sink, run));
    else openers.push(fromStream((at, run) => sources.openBlob(blob, at, run)));
  }
  return openers;
}

function fileOpener(
  places: ContentPlaces,
  path: string,
  digest: Digest,
  file: SelectedFile | undefined,
): ContentOpener {
  if (path === bundleNames.plan) return fromStream(async (offset) => fromMemory(planBytes(places.plan), offset));
  const { toolFile, sources } = places;
  if (path === bundleNames.tool && toolFile !== undefined)
    return fromStream(async (offset, run) => readFileFrom(toolFile, offset, run));
  if (!file) return () => Promise.reject(new Error(`the plan does not say where ${path} comes from`));
  const { content } = file;
  if (content.kind === 'inline')
    return fromStream(async (offset) => fromMemory(Buffer.from(content.base64, 'base64'), offset));
  if (content.kind === 'kept') return fromStream(async (at, run) => readFileFrom(places.kept.path(digest), at, run));
  const { pourFile } = sources;
  if (pourFile) return (sink, run) => pourFile(file, sink, run);
  return fromStream((offset, run) => sources.openFile(file, offset, run));
}

async function* fromMemory(bytes: Buffer, offset: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(offset);
}

/** A local file in pieces of 1 MiB out of one buffer: a piece is valid until the next is asked for. */
export async function* readFileFrom(file: string, offset: number, run: Run): AsyncGenerator<Uint8Array> {
  const handle = await run.disk.open(file, 'read');
  try {
    const rest = (await handle.sizeBytes()) - offset;
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(1 << 20, rest)));
    for (let position = offset; ; ) {
      const count = await handle.read(buffer, position);
      if (count === 0) return;
      position += count;
      yield buffer.subarray(0, count);
      // What has a size ends there; devices and pipes have none.
      if (rest > 0 && position >= offset + rest) return;
    }
  } finally {
    await handle.close();
  }
}

/** Size and sha256 of a local file. */
export async function measureFile(
  file: string,
  run: Run,
): Promise<{ readonly sizeBytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of readFileFrom(file, 0, run)) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** Digest of a plan as it lies in the bundle. */
export function planDigest(plan: Plan): Digest {
  return digestOf(planBytes(plan));
}
