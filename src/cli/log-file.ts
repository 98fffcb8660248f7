import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { stripControls } from '../core/errors.ts';
import type { RunEvent } from '../core/events.ts';
import { diskError } from '../core/files.ts';
import { redactText } from '../core/redact.ts';
import { ProgressModel } from './render/progress.ts';

/** A file that a run is written down in. */
export interface LogFile {
  /** Takes every event; messages, retries and failures are written, and once a minute how far all is: a large set has a million other events. */
  event(event: RunEvent): void;
  /** Takes a line of another kind: the command, the ending. */
  line(text: string): void;
  close(): void;
}

const progressMs = 60_000;

/**
 * Appends to a log (made with its folders, mode 0600): `2026-01-31T12:00:00.000Z text`, credentials left out. Written at once and not through a
 * stream, so that the last words of a run that is killed are there. A disk that fills up later costs lines, not the run.
 * @throws AirlockError FILE_UNWRITABLE, DISK_FULL when it cannot be opened
 */
export function openLogFile(file: string, now: () => Date): LogFile {
  let handle: number;
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    handle = openSync(file, 'a', 0o600);
  } catch (error) {
    throw diskError(error, file, 'write');
  }
  const line = (text: string): void => {
    const time = now().toISOString();
    const lines = redactText(stripControls(text)).split('\n');
    try {
      writeSync(handle, lines.map((one) => `${time} ${one}\n`).join(''));
    } catch {
      // Said above.
    }
  };
  const model = new ProgressModel();
  let lastMs = now().getTime();
  return {
    event(event) {
      const nowMs = now().getTime();
      model.apply(event, nowMs);
      if (nowMs - lastMs >= progressMs && event.state !== 'log') {
        lastMs = nowMs;
        line(model.line(nowMs));
      }
      if (event.state === 'log') line(`${event.level} ${event.stage}: ${event.message}`);
      else if (event.state === 'retrying' || event.state === 'failed')
        line(`${event.state} ${event.stage}: ${event.subject}${event.message ? `: ${event.message}` : ''}`);
    },
    line,
    close: () => closeSync(handle),
  };
}
