import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type AccessEntry, renderAccessLine } from '../../core/access-log.ts';
import { errorText } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { rotateLog } from './rotate-log.ts';

/** A log of requests that is being written. */
export interface AccessLogFile {
  add(entry: AccessEntry): void;
  /** Writes what is still held. */
  close(): Promise<void>;
}

/** Lines wait so long for company: a write per request would cost more than many a request. */
const flushMs = 500;

/** Beyond so much lines are lost until the disk takes some again: a full disk must not fill the memory too. */
const heldLimitBytes = 1 << 20;

/** Appends requests to `file` in the combined format of nginx, and sets it aside when it has grown too large. A log that fails stops no request. */
export function openAccessLog(file: string, run: Run): AccessLogFile {
  let held = '';
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  let failed = false;
  const write = async (): Promise<void> => {
    const text = held;
    held = '';
    if (text === '') return;
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await appendFile(file, text);
      await rotateLog(file, {}, run);
      failed = false;
    } catch (error) {
      const message = `requests cannot be logged to ${file}: ${errorText(error)}`;
      if (!failed) run.report({ stage: 'serve', state: 'log', level: 'warning', message });
      failed = true;
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write);
    return writing;
  };
  return {
    add(entry) {
      if (held.length > heldLimitBytes) return;
      held += renderAccessLine(entry);
      timer ??= setTimeout(() => void flush(), flushMs).unref();
    },
    close: flush,
  };
}
