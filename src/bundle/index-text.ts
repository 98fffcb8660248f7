import { AirlockError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import { type Digest, isDigest, type RepositoryContent } from '../oci/index.ts';
import type { BundleIndex } from './format.ts';
import { checkIndex } from './index-check.ts';

/*
 * The index on disk is one canonical JSON object (sorted keys, no white space but newlines), broken into lines so that it can be written and
 * read as a stream:
 *
 *   {"apiVersion":"airlock/v1alpha1"      a key with a plain value
 *   ,"assumed":[                          a key with a list: one element per line
 *   "sha256:…"
 *   ,"sha256:…"
 *   ]
 *   …
 *   }
 *
 * Repositories name digests by number: the position in `blobs`, and behind those in `assumed`. So a link member costs a few bytes.
 */

const listKeys: ReadonlySet<string> = new Set([
  'assumed',
  'assumedFiles',
  'blobs',
  'catalogs',
  'files',
  'images',
  'releases',
  'repositories',
  'volumes',
]);

/** The largest index and the longest line of one that are read: a hostile one must not fill the memory. */
export const indexLimits = { bytes: 1 << 30, lineBytes: 64 << 20 } as const;

interface NumberedRepository {
  readonly name: string;
  readonly tags: Readonly<Record<string, number>>;
  readonly revisions: readonly number[];
  readonly layers: readonly number[];
}

/** The bytes of `airlock/index.json`: the same index gives the same bytes. */
export function renderIndex(index: BundleIndex): Buffer {
  const chunks: Buffer[] = [];
  let pending = '';
  for (const piece of renderPieces(index)) {
    pending += piece;
    if (pending.length < 1 << 20) continue;
    chunks.push(Buffer.from(pending));
    pending = '';
  }
  chunks.push(Buffer.from(pending));
  return Buffer.concat(chunks);
}

function* renderPieces(index: BundleIndex): Generator<string> {
  const numbers = new Map<Digest, number>();
  for (const blob of index.blobs) numbers.set(blob.digest, numbers.size);
  for (const digest of index.assumed) numbers.set(digest, numbers.size);
  const entries = Object.entries(index).filter(([, value]) => value !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  let separator = '{';
  for (const [key, value] of entries) {
    yield `${separator}${JSON.stringify(key)}:`;
    separator = ',';
    if (!listKeys.has(key) || !Array.isArray(value)) {
      yield `${canonicalJson(value)}\n`;
      continue;
    }
    yield '[\n';
    let first = true;
    for (const item of value as readonly unknown[]) {
      const element = key === 'repositories' ? numberDigests(item as RepositoryContent, numbers) : item;
      yield `${first ? '' : ','}${canonicalJson(element)}\n`;
      first = false;
    }
    yield ']\n';
  }
  yield '}\n';
}

function numberDigests(repository: RepositoryContent, numbers: ReadonlyMap<Digest, number>): NumberedRepository {
  const numberOf = (digest: Digest): number => {
    const found = numbers.get(digest);
    if (found === undefined)
      throw new Error(`${repository.name} links to ${digest}, which is neither carried nor assumed`);
    return found;
  };
  return {
    name: repository.name,
    tags: Object.fromEntries(Object.entries(repository.tags).map(([tag, digest]) => [tag, numberOf(digest)])),
    revisions: repository.revisions.map(numberOf),
    layers: repository.layers.map(numberOf),
  };
}

/**
 * Reads an index from chunks of bytes, line by line. Everything that later code relies on is checked here; what lies where is checked
 * against the rule by whoever reads members.
 * @throws AirlockError BUNDLE_INVALID
 */
export async function parseIndex(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<BundleIndex> {
  const found: Record<string, unknown> = {};
  let list: unknown[] | undefined;
  let ended = false;
  for await (const line of readLines(chunks)) {
    if (ended) throw invalid('something follows its end');
    if (list) {
      if (line === ']') list = undefined;
      else list.push(parseJson(line.startsWith(',') ? line.slice(1) : line));
    } else if (line === '}') {
      ended = true;
    } else {
      list = readKey(line, found);
    }
  }
  if (!ended || list) throw invalid('it ends early');
  return checkIndex(resolveNumbers(found));
}

/** Reads a line that begins a key; returns the list when its elements follow. */
function readKey(line: string, found: Record<string, unknown>): unknown[] | undefined {
  const match = /^[{,]"([A-Za-z]+)":(.*)$/s.exec(line);
  const key = match?.[1] ?? '';
  if (!match || key in found || key === '__proto__') throw invalid('a line is not in its form');
  if (match[2] !== '[') {
    found[key] = parseJson(match[2] ?? '');
    return undefined;
  }
  const list: unknown[] = [];
  found[key] = list;
  return list;
}

function resolveNumbers(found: Record<string, unknown>): Record<string, unknown> {
  const digests: string[] = [];
  for (const blob of asArray(found['blobs'])) digests.push(asText(asRecord(blob)['digest']));
  for (const digest of asArray(found['assumed'])) digests.push(asText(digest));
  const resolve = (number: unknown): Digest => {
    const digest = typeof number === 'number' ? digests[number] : undefined;
    if (digest === undefined || !isDigest(digest)) throw invalid('a repository names content that it does not list');
    return digest;
  };
  const repositories = asArray(found['repositories']).map((item) => {
    const { name, tags, revisions, layers } = asRecord(item);
    return {
      name,
      tags: Object.fromEntries(Object.entries(asRecord(tags)).map(([tag, number]) => [tag, resolve(number)])),
      revisions: asArray(revisions).map(resolve),
      layers: asArray(layers).map(resolve),
    };
  });
  return { ...found, repositories };
}

async function* readLines(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let start = 0;
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, start)) {
      parts.push(bytes.subarray(start, at));
      yield Buffer.concat(parts).toString('utf8');
      parts = [];
      length = 0;
      start = at + 1;
    }
    length += bytes.length - start;
    if (length > indexLimits.lineBytes) throw invalid('a line is too long');
    // Copied: the caller may reuse its buffer.
    if (start < bytes.length) parts.push(Buffer.from(bytes.subarray(start)));
  }
  if (length > 0) throw invalid('it ends within a line');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('a line is not JSON');
  }
}

function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid('a list is missing');
  return value;
}

function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('an object is missing');
  return value as Record<string, unknown>;
}

function asText(value: unknown): string {
  if (typeof value !== 'string') throw invalid('a text is missing');
  return value;
}

function invalid(why: string): AirlockError {
  return new AirlockError('BUNDLE_INVALID', `the index of the bundle cannot be read: ${why}`, {
    hint: 'copy the bundle again, or verify the copy on the connected side',
  });
}
