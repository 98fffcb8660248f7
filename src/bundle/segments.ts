import { digestHex, digestOf } from '../oci/index.ts';
import { type BundleIndex, bundleNames, signatureSlotBytes, volumeNumber } from './format.ts';
import { indexHeader, indexMemberBytes, type PlacedMember, placeMembers } from './layout.ts';
import { checksumsBytes, type MemberContent } from './members.ts';
import { endBytes, paddingOf } from './tar-header.ts';

/** The index as a member: what its own place and the two small members after it follow from. */
export interface IndexFacts {
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Base64 without padding; empty when unsigned. */
  readonly signature: string;
}

/** A stretch of a volume, at its true offset in the file. Segments of a volume follow each other without gaps. */
export type Segment =
  /** Bytes that follow from the index: headers, link files, padding, end blocks. */
  | { readonly kind: 'static'; readonly volume: number; readonly offset: number; readonly bytes: Buffer }
  /** A member's data, to be had from elsewhere. */
  | {
      readonly kind: 'data';
      readonly volume: number;
      readonly offset: number;
      readonly size: number;
      readonly path: string;
      readonly content: Extract<MemberContent, { kind: 'index' | 'blob' | 'file' }>;
    };

const flushBytes = 1 << 20;

/**
 * Every byte of every volume in order: `build` writes what this yields, `verify` compares with it. Static stretches are joined up to about
 * 1 MiB, so that a million link files cost a thousand writes.
 */
export function* volumeSegments(index: BundleIndex, facts: IndexFacts): Generator<Segment> {
  const firstVolume = volumeNumber(index.volumes[0]?.name ?? '') ?? 1;
  const joiner = new Joiner(firstVolume);
  joiner.push(indexHeader(index, facts.sizeBytes));
  yield* joiner.data(bundleNames.index, facts.sizeBytes, { kind: 'index' });
  const rule = { volumeSizeBytes: index.volumeSizeBytes, createdAt: index.createdAt, firstVolume };
  for (const member of placeMembers(index, rule)) {
    if (member.volume !== joiner.volume) yield* joiner.end(member.volume);
    joiner.push(member.header);
    yield* contentSegments(joiner, member, facts);
  }
  yield* joiner.end(joiner.volume + 1);
}

/** True offset in its volume file of what the index places at `offset`. */
export function trueOffset(
  index: BundleIndex,
  facts: Pick<IndexFacts, 'sizeBytes'>,
  place: { readonly volume: number; readonly offset: number },
): number {
  return isIndexVolume(index, place.volume) ? indexMemberBytes(facts.sizeBytes) + place.offset : place.offset;
}

/** Size of a volume's file. */
export function trueSize(index: BundleIndex, facts: Pick<IndexFacts, 'sizeBytes'>, at: number): number {
  const size = index.volumes[at]?.size ?? 0;
  return at === 0 ? indexMemberBytes(facts.sizeBytes) + size : size;
}

/** The small member that holds the checksums of index and signature, in the form of `sha256sum`. */
export function checksumsText(facts: IndexFacts): Buffer {
  const signature = digestHex(digestOf(signatureSlot(facts.signature)));
  return Buffer.from(`${facts.sha256}  ${bundleNames.index}\n${signature}  ${bundleNames.signature}\n`);
}

/** The signature member: base64, padded with newlines. */
export function signatureSlot(signature: string): Buffer {
  const slot = Buffer.alloc(signatureSlotBytes, '\n');
  slot.write(signature, 0, 'latin1');
  return slot;
}

function isIndexVolume(index: BundleIndex, volume: number): boolean {
  return volumeNumber(index.volumes[0]?.name ?? '') === volume;
}

function* contentSegments(joiner: Joiner, member: PlacedMember, facts: IndexFacts): Generator<Segment> {
  const { content } = member;
  if (content.kind === 'blob' || content.kind === 'file') {
    yield* joiner.data(member.path, member.size, content);
    return;
  }
  const bytes = staticBytes(content, facts);
  joiner.push(bytes);
  joiner.pad(bytes.length);
  if (joiner.pendingBytes >= flushBytes) yield* joiner.flush();
}

function staticBytes(content: MemberContent, facts: IndexFacts): Buffer {
  if (content.kind === 'link') return Buffer.from(content.digest, 'latin1');
  if (content.kind === 'signature') return signatureSlot(facts.signature);
  const text = checksumsText(facts);
  if (text.length !== checksumsBytes) throw new Error('the checksum member has another size than laid out');
  return text;
}

/** Joins static pieces and knows the position in the current volume. */
class Joiner {
  volume: number;
  pendingBytes = 0;
  #pieces: Buffer[] = [];
  #offset = 0;

  constructor(volume: number) {
    this.volume = volume;
  }

  push(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.pendingBytes += bytes.length;
  }

  pad(size: number): void {
    const padding = paddingOf(size);
    if (padding > 0) this.push(zeros.subarray(0, padding));
  }

  *flush(): Generator<Segment> {
    if (this.pendingBytes === 0) return;
    const bytes = Buffer.concat(this.#pieces, this.pendingBytes);
    yield { kind: 'static', volume: this.volume, offset: this.#offset, bytes };
    this.#offset += bytes.length;
    this.#pieces = [];
    this.pendingBytes = 0;
  }

  *data(path: string, size: number, content: Extract<Segment, { kind: 'data' }>['content']): Generator<Segment> {
    if (size > 0) {
      yield* this.flush();
      yield { kind: 'data', volume: this.volume, offset: this.#offset, size, path, content };
      this.#offset += size;
    }
    this.pad(size);
  }

  *end(next: number): Generator<Segment> {
    this.push(zeros.subarray(0, endBytes));
    yield* this.flush();
    this.volume = next;
    this.#offset = 0;
  }
}

const zeros = Buffer.alloc(endBytes);
