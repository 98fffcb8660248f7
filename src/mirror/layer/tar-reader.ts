import { AirlockError } from '../../core/errors.ts';

/** A member of a tar stream. */
export interface TarMember {
  /** Without leading `./` or `/` and without final `/`. */
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
  readonly sizeBytes: number;
}

/** Asked for every member: what to do with its bytes; undefined skips them. */
export type TarVisitor = (member: TarMember) => ((chunk: Buffer) => void | Promise<void>) | undefined;

const block = 512;
const headerLimitBytes = 1 << 20;

// archive := { header [ content padded to 512 ] } two zero blocks.  header: name 0–99, size 124–135, type 156, magic 257, prefix 345–499.
// Types: 0 and \0 file, 5 folder, x and g PAX records, L and K GNU long names; others (links, devices) have no content of interest.
/**
 * Reads a tar stream member by member in flat memory; only bytes that the visitor asks for are handed on. Its promise is awaited before the
 * next chunk, so a slow visitor holds back the source.
 * @throws AirlockError LAYER_INVALID @see POSIX pax, "ustar Interchange Format", and GNU tar's manual for L and K
 */
export async function readTar(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  visit: TarVisitor,
): Promise<void> {
  const input = new ChunkReader(stream);
  let longName: string | undefined;
  let longSize: number | undefined;
  for (;;) {
    const header = await input.exactly(block);
    if (!header || header.every((byte) => byte === 0)) break;
    checkHeader(header);
    const type = String.fromCharCode(header[156] ?? 0);
    const sizeBytes = longSize ?? number(header, 124, 12);
    const padding = (block - (sizeBytes % block)) % block;
    if (type === 'x' || type === 'L' || type === 'g' || type === 'K') {
      if (sizeBytes > headerLimitBytes) throw invalid('an extended header is too large');
      const content = await input.exactly(sizeBytes);
      if (!content || !(await input.skip(padding))) throw invalid('it ends early');
      if (type === 'L') longName = text(content, 0, content.length);
      if (type === 'x') {
        const records = parsePax(content);
        longName = records.get('path') ?? longName;
        const size = records.get('size');
        longSize = size === undefined ? longSize : Number(size);
      }
      continue;
    }
    const name = longName ?? ustarName(header);
    longName = undefined;
    longSize = undefined;
    const kind = type === '0' || type === '\0' || type === '7' ? 'file' : type === '5' ? 'folder' : 'other';
    // Links carry a size in some archives but never content.
    const content = kind === 'file' ? sizeBytes : 0;
    const take = visit({ name: cleanName(name), kind, sizeBytes: content });
    if (!(await input.pass(content, take)) || !(await input.skip(content === 0 ? 0 : padding)))
      throw invalid('it ends early');
  }
  // The rest is read to its end, so that a digest over the stream is checked.
  await input.drain();
}

function invalid(why: string): AirlockError {
  return new AirlockError('LAYER_INVALID', `a layer is not a tar archive that can be read: ${why}`);
}

function checkHeader(header: Buffer): void {
  let sum = 8 * 32;
  for (let at = 0; at < block; at += 1) if (at < 148 || at >= 156) sum += header[at] ?? 0;
  if (number(header, 148, 8) !== sum) throw invalid('a header has a wrong checksum');
}

function text(bytes: Buffer, from: number, length: number): string {
  const end = bytes.indexOf(0, from);
  return bytes.toString('utf8', from, end < 0 || end > from + length ? from + length : end);
}

function number(header: Buffer, from: number, length: number): number {
  // Base 256, which GNU tar uses for what octal digits cannot hold.
  if ((header[from] ?? 0) & 0x80) return Number(header.readBigUInt64BE(from + length - 8));
  const value = Number.parseInt(text(header, from, length).trim() || '0', 8);
  if (!Number.isSafeInteger(value)) throw invalid('a header holds no number where one belongs');
  return value;
}

function ustarName(header: Buffer): string {
  const prefix = text(header, 257, 5) === 'ustar' && header[263] !== 0x20 ? text(header, 345, 155) : '';
  const name = text(header, 0, 100);
  return prefix ? `${prefix}/${name}` : name;
}

function cleanName(name: string): string {
  return name.replace(/^(?:\.?\/+)+/, '').replace(/\/+$/, '');
}

/** PAX records: `<length> <key>=<value>\n`. */
function parsePax(content: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString('latin1', at, Math.max(space, at)));
    if (space < 0 || !Number.isSafeInteger(length) || length <= 0) throw invalid('an extended header is malformed');
    const record = content.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** Cuts a stream of chunks of any size into what the format asks for. */
class ChunkReader {
  readonly #source: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);
  constructor(stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#source = Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
  }

  /** The next chunk, at most `limit` bytes; undefined at the end. */
  async #next(limit: number): Promise<Buffer | undefined> {
    while (this.#held.length === 0) {
      const result = await this.#source.next();
      if (result.done) return undefined;
      this.#held = Buffer.from(result.value.buffer, result.value.byteOffset, result.value.byteLength);
    }
    const chunk = this.#held.subarray(0, limit);
    this.#held = this.#held.subarray(chunk.length);
    return chunk;
  }

  /** So many bytes; undefined at the end of the stream. */
  async exactly(count: number): Promise<Buffer | undefined> {
    const chunks: Buffer[] = [];
    for (let missing = count; missing > 0; ) {
      const chunk = await this.#next(missing);
      if (!chunk && chunks.length > 0) throw invalid('it ends early');
      if (!chunk) return undefined;
      chunks.push(chunk);
      missing -= chunk.length;
    }
    return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
  }

  async pass(count: number, take: ((chunk: Buffer) => void | Promise<void>) | undefined): Promise<boolean> {
    for (let missing = count; missing > 0; ) {
      const chunk = await this.#next(missing);
      if (!chunk) return false;
      missing -= chunk.length;
      if (take) await take(chunk);
    }
    return true;
  }

  skip(count: number): Promise<boolean> {
    return this.pass(count, undefined);
  }

  async drain(): Promise<void> {
    while (await this.#next(1 << 30)) this.#held = Buffer.alloc(0);
  }
}
