import { createHash } from 'node:crypto';
import type { DiskFile } from '../core/disk.ts';
import { diskError, findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';

/** What a build has on the disk for good. */
export interface Progress {
  /** Headers, links and everything else that follows from the index, but for frames that are written with small members. */
  readonly frame: boolean;
  /** Names of finished members: a blob's digest, a file's path. */
  readonly finished: ReadonlySet<string>;
  /** Bytes from the start of a member that were written and synced. */
  readonly checked: ReadonlyMap<string, number>;
}

/** A line of the journal. The first one names what is built. */
type JournalRecord =
  | { readonly kind: 'open'; readonly index: string }
  | { readonly kind: 'frame' }
  | { readonly kind: 'finished'; readonly member: string }
  | { readonly kind: 'checked'; readonly member: string; readonly bytes: number }
  /** The disk gave other bytes back. */
  | { readonly kind: 'lost'; readonly member: string };

/** The journal of one build: lines `<first 8 hex digits of their sha256> <JSON>`, appended after the bytes they speak of were synced. */
export interface Journal {
  readonly progress: Progress;
  /** Appends and syncs. */
  append(records: readonly JournalRecord[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the journal of the build of an index, by its digest. One of another index, or none, gives an empty one: nothing that lies in the
 * volumes is then believed. A torn end (power loss while appending) is cut off.
 */
export async function openJournal(file: string, indexDigest: string, run: Run): Promise<Journal> {
  const { records, validBytes } = readRecords((await findFile(file, run, 1 << 30)) ?? Buffer.alloc(0));
  const first = records[0];
  const ours = first?.kind === 'open' && first.index === indexDigest;
  try {
    const handle = await run.disk.open(file, 'write');
    const journal = new FileJournal(file, handle, ours ? validBytes : 0, replay(ours ? records : []));
    try {
      await handle.truncate(ours ? validBytes : 0);
      if (!ours) await journal.append([{ kind: 'open', index: indexDigest }]);
      return journal;
    } catch (error) {
      await journal.close();
      throw error;
    }
  } catch (error) {
    throw diskError(error, file, 'write');
  }
}

class FileJournal implements Journal {
  readonly progress: Progress;
  readonly #file: string;
  readonly #handle: DiskFile;
  #sizeBytes: number;

  constructor(file: string, handle: DiskFile, sizeBytes: number, progress: Progress) {
    this.#file = file;
    this.#handle = handle;
    this.#sizeBytes = sizeBytes;
    this.progress = progress;
  }

  async append(records: readonly JournalRecord[]): Promise<void> {
    const bytes = Buffer.from(records.map(formatRecord).join(''));
    try {
      await this.#handle.write(bytes, this.#sizeBytes);
      await this.#handle.sync();
      this.#sizeBytes += bytes.length;
    } catch (error) {
      throw diskError(error, this.#file, 'write');
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function formatRecord(record: JournalRecord): string {
  const text = JSON.stringify(record);
  return `${checksum(text)} ${text}\n`;
}

/** Tells a torn line from a whole one. */
function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function readRecords(bytes: Buffer): { readonly records: JournalRecord[]; readonly validBytes: number } {
  const records: JournalRecord[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
    const line = bytes.toString('utf8', start, end);
    const text = line.slice(9);
    if (line.slice(0, 9) !== `${checksum(text)} `) break;
    records.push(JSON.parse(text) as JournalRecord);
    start = end + 1;
  }
  return { records, validBytes: start };
}

function replay(records: readonly JournalRecord[]): Progress {
  let frame = false;
  const finished = new Set<string>();
  const checked = new Map<string, number>();
  for (const record of records) {
    if (record.kind === 'frame') frame = true;
    if (record.kind === 'finished') finished.add(record.member);
    if (record.kind === 'checked') checked.set(record.member, record.bytes);
    if (record.kind === 'lost') {
      finished.delete(record.member);
      checked.delete(record.member);
    }
  }
  return { frame, finished, checked };
}
