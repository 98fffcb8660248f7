import { AirlockError, errorText } from '../../core/errors.ts';
import { parseDocument } from '../../core/yaml.ts';
import { keepIntegers, NumberText, parseWithNumbers } from './number-text.ts';

/** One FBC blob: a JSON object as it was decoded. */
export type CatalogDocument = Readonly<Record<string, unknown>>;

/** Takes a catalog file's bytes as they come and hands on its documents one by one; only one is held at a time. */
export interface DocumentParser {
  write(chunk: Buffer): void;
  end(): void;
}

// A catalog of 1 GB has documents of some MB; one that is larger than this is no catalog.
const documentLimitBytes = 256 << 20;

/**
 * A parser for a catalog file: concatenated JSON objects or a stream of YAML documents, told apart by the first character as
 * operator-registry does. @throws AirlockError CATALOG_UNREADABLE naming `file`
 */
export function createDocumentParser(file: string, take: (document: CatalogDocument) => void): DocumentParser {
  const fail = (why: string): never => {
    throw new AirlockError('CATALOG_UNREADABLE', `${file} in the catalog cannot be read: ${why}`);
  };
  const decode = (text: string, read: (text: string) => unknown): void => {
    let value: unknown;
    try {
      value = read(text);
    } catch (error) {
      fail(errorText(error).split('\n')[0] ?? '');
    }
    if (value === null || value === undefined) return;
    if (typeof value !== 'object' || Array.isArray(value)) fail('a document is no object');
    take(value as CatalogDocument);
  };
  let parser: DocumentParser | undefined;
  const start = (chunk: Buffer): DocumentParser | undefined => {
    const first = chunk.find((byte) => !isSpace(byte));
    if (first === undefined) return undefined;
    return first === 0x7b
      ? new JsonObjects((text) => decode(text, parseWithNumbers), fail)
      : new YamlDocuments((text) => decode(text, (yaml) => sortKeys(readYamlDocument(yaml))), fail);
  };
  return {
    write(chunk) {
      parser ??= start(chunk);
      parser?.write(chunk);
    },
    end: () => parser?.end(),
  };
}

/** Cuts concatenated JSON objects at their closing braces. */
class JsonObjects implements DocumentParser {
  readonly #take: (text: string) => void;
  readonly #fail: (why: string) => never;
  #parts: Buffer[] = [];
  #bytes = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  constructor(take: (text: string) => void, fail: (why: string) => never) {
    this.#take = take;
    this.#fail = fail;
  }

  write(chunk: Buffer): void {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      if (this.#inString) {
        at = this.#passString(chunk, at);
        continue;
      }
      const byte = chunk[at];
      if (byte === 0x22) this.#inString = true;
      else if (byte === 0x7b || byte === 0x5b) this.#depth += 1;
      else if (byte === 0x7d || byte === 0x5d) {
        this.#depth -= 1;
        if (this.#depth < 0) this.#fail('a bracket closes nothing');
        if (this.#depth === 0) {
          this.#finish(chunk.subarray(start, at + 1));
          start = at + 1;
        }
      }
    }
    this.#hold(chunk.subarray(start));
  }

  /** The place of the string's closing quote, or of the chunk's last byte. Strings are most of a catalog, so they are leapt over. */
  #passString(chunk: Buffer, from: number): number {
    let at = this.#escaped ? from + 1 : from;
    this.#escaped = false;
    let quote = chunk.indexOf(0x22, at);
    for (;;) {
      // Looked for again only once passed: text with many escapes and few quotes would be scanned over and over.
      if (quote >= 0 && quote < at) quote = chunk.indexOf(0x22, at);
      const end = quote < 0 ? chunk.length : quote;
      const backslash = chunk.subarray(at, end).indexOf(0x5c);
      if (backslash < 0) {
        this.#inString = quote < 0;
        return end === chunk.length ? chunk.length - 1 : quote;
      }
      at += backslash + 2;
      if (at > chunk.length) {
        this.#escaped = true;
        return chunk.length - 1;
      }
    }
  }

  end(): void {
    const rest = Buffer.concat(this.#parts).toString('utf8').trim();
    if (rest !== '') this.#fail('it ends inside an object');
  }

  #hold(part: Buffer): void {
    if (part.length === 0) return;
    this.#bytes += part.length;
    if (this.#bytes > documentLimitBytes) this.#fail('a document is too large');
    // The chunk's memory belongs to whoever wrote it.
    this.#parts.push(Buffer.from(part));
  }

  #finish(last: Buffer): void {
    const text = Buffer.concat([...this.#parts, last]).toString('utf8');
    this.#parts = [];
    this.#bytes = 0;
    this.#take(text);
  }
}

/** Cuts a YAML stream at its `---` lines, which stand at the first column inside no document. @see YAML 1.2.2, 9.1.2 */
class YamlDocuments implements DocumentParser {
  readonly #take: (text: string) => void;
  readonly #fail: (why: string) => never;
  #lines: string[] = [];
  #bytes = 0;
  #rest = Buffer.alloc(0);
  constructor(take: (text: string) => void, fail: (why: string) => never) {
    this.#take = take;
    this.#fail = fail;
  }

  write(chunk: Buffer): void {
    let start = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, start)) {
      const piece = chunk.subarray(start, at + 1);
      this.#line((this.#rest.length > 0 ? Buffer.concat([this.#rest, piece]) : piece).toString('utf8'));
      this.#rest = Buffer.alloc(0);
      start = at + 1;
    }
    this.#rest = Buffer.concat([this.#rest, chunk.subarray(start)]);
    if (this.#rest.length > documentLimitBytes) this.#fail('a line is too long');
  }

  end(): void {
    if (this.#rest.length > 0) this.#line(this.#rest.toString('utf8'));
    this.#flush();
  }

  #line(line: string): void {
    if (/^---(?:\s|$)/.test(line)) {
      this.#flush();
      this.#lines.push(line.slice(3));
      return;
    }
    this.#bytes += line.length;
    if (this.#bytes > documentLimitBytes) this.#fail('a document is too large');
    this.#lines.push(line);
  }

  #flush(): void {
    const text = this.#lines.join('');
    this.#lines = [];
    this.#bytes = 0;
    if (text.trim() !== '') this.#take(text);
  }
}

function readYamlDocument(text: string): unknown {
  // Go's reader leaves dates and base-60 numbers as the text that they are.
  const document = parseDocument(text, {
    version: '1.1',
    merge: true,
    intAsBigInt: true,
    customTags: (tags) =>
      tags.filter(
        (tag) => typeof tag === 'string' || (tag.tag !== 'tag:yaml.org,2002:timestamp' && tagFormat(tag) !== 'TIME'),
      ),
  });
  const [error] = document.errors;
  if (error) throw error;
  return keepIntegers(document.toJS());
}

function tagFormat(tag: object): unknown {
  return 'format' in tag ? tag.format : undefined;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** As operator-registry has them: YAML becomes JSON with sorted keys there. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null || value instanceof NumberText) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}
