import type { Segment } from './segments.ts';

type Data = Extract<Segment, { kind: 'data' }>;
type Static = Extract<Segment, { kind: 'static' }>;

/** Small members side by side in a volume, with all that lies between them: one stretch of the file, written by one call. */
export interface Gathered {
  readonly kind: 'gathered';
  readonly volume: number;
  /** Of the first byte, which may be a frame's. */
  readonly offset: number;
  readonly sizeBytes: number;
  readonly frames: readonly Static[];
  readonly data: readonly Data[];
}

/** The longest stretch. */
export const gatheredBytes = 512 << 10;
/** Members of a stretch are brought one after the other: too many would leave the last worker alone at the end of a build. */
const gatheredMembers = 16;
/** A longer one is not between members but many links: written at once. */
const smallFrameBytes = 64 << 10;
/** Frames are kept until their stretch is written, about a KiB a member: so much of them and no more. */
const heldFrameBytes = 16 << 20;

/**
 * Joins small members and their frames to stretches; everything else passes as it is, in order. Depends on nothing but the segments, so
 * that a run that goes on with a build finds the stretches of the run before.
 */
export function* gatherSmall(segments: Iterable<Segment>): Generator<Segment | Gathered> {
  let frame: Static | undefined;
  let stretch: Stretch | undefined;
  let held = 0;
  for (const segment of segments) {
    if (segment.kind === 'static') {
      if (frame) {
        if (stretch) yield stretch.end();
        stretch = undefined;
        yield frame;
      }
      frame = segment;
      continue;
    }
    const isSmall = segment.content.kind !== 'index' && segment.size <= gatheredBytes / 4 && held < heldFrameBytes;
    const lead = frame && frame.bytes.length <= smallFrameBytes ? frame : undefined;
    if (!isSmall || !stretch?.add(lead, segment)) {
      if (stretch) yield stretch.end();
      stretch = undefined;
      if (frame && !(isSmall && lead)) yield frame;
      if (isSmall) stretch = new Stretch(lead, segment);
      else yield segment;
    }
    if (isSmall) held += lead?.bytes.length ?? 0;
    frame = undefined;
  }
  if (stretch) yield stretch.end();
  if (frame) yield frame;
}

class Stretch {
  readonly #offset: number;
  readonly #volume: number;
  readonly #frames: Static[];
  readonly #data: Data[];
  #end: number;

  constructor(lead: Static | undefined, first: Data) {
    this.#volume = first.volume;
    this.#offset = lead?.offset ?? first.offset;
    this.#frames = lead ? [lead] : [];
    this.#data = [first];
    this.#end = first.offset + first.size;
  }

  /** False: it does not follow without a gap, or there is no room. */
  add(lead: Static | undefined, data: Data): boolean {
    const end = data.offset + data.size;
    const follows = data.volume === this.#volume && (lead?.offset ?? data.offset) === this.#end;
    if (!follows || end - this.#offset > gatheredBytes || this.#data.length >= gatheredMembers) return false;
    if (lead) this.#frames.push(lead);
    this.#data.push(data);
    this.#end = end;
    return true;
  }

  end(): Gathered {
    return {
      kind: 'gathered',
      volume: this.#volume,
      offset: this.#offset,
      sizeBytes: this.#end - this.#offset,
      frames: this.#frames,
      data: this.#data,
    };
  }
}
