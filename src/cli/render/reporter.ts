import { stripControls } from '../../core/errors.ts';
import type { LogEvent, Report, RunEvent } from '../../core/events.ts';
import { ProgressModel, renderBars } from './progress.ts';

export interface ReporterOptions {
  readonly format: 'console' | 'json';
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly progress: boolean;
  readonly isTerminal: boolean;
  readonly color: boolean;
  readonly columns: () => number;
  readonly write: (text: string) => void;
  readonly nowMs: () => number;
  /** Milliseconds between lines where there is no terminal; default 5000. Six times as many where nothing happens meanwhile. */
  readonly intervalMs?: number;
}

/** Turns the one event stream into lines on standard error. `close` leaves the terminal clean. */
export interface Reporter {
  readonly report: Report;
  /** Writes a line past the live view. */
  line(text: string): void;
  /** Says why a command failed, and what to do next. */
  fail(message: string, hint?: string): void;
  /** While it is held nothing is drawn by itself: a question is on the terminal. */
  hold(isHeld: boolean): void;
  close(): void;
}

const ranks = { error: 0, warning: 1, info: 2, debug: 3 } as const;
const limits = { error: 0, warn: 1, info: 2, debug: 3 } as const;

export function createReporter(options: ReporterOptions): Reporter {
  return options.format === 'json' ? createJsonReporter(options) : createConsoleReporter(options);
}

function isShown(event: LogEvent, options: ReporterOptions): boolean {
  return ranks[event.level] <= limits[options.level];
}

/** Milliseconds between two drawings on a terminal when no event comes. */
const liveBeatMs = 1000;
/** How many intervals pass before a line is written where there is no terminal and no event came. */
const quietFactor = 6;

/** Milliseconds between two JSON lines on how far the same subject is: a large blob moves thousands of times a second. */
const activeIntervalMs = 1000;

function createJsonReporter(options: ReporterOptions): Reporter {
  const lastMs = new Map<string, number>();
  const isDue = (event: Exclude<RunEvent, LogEvent>): boolean => {
    if (event.state === 'total') return true;
    const last = lastMs.get(event.subject);
    if (event.state !== 'active') lastMs.delete(event.subject);
    else if (last !== undefined && options.nowMs() - last < activeIntervalMs) return false;
    else lastMs.set(event.subject, options.nowMs());
    return true;
  };
  const put = (event: object): void =>
    options.write(`${JSON.stringify({ time: new Date(options.nowMs()).toISOString(), ...event })}\n`);
  return {
    report(event) {
      if (event.state === 'log' ? isShown(event, options) : options.progress && isDue(event)) put(event);
    },
    line: (text) => put({ state: 'log', level: 'info', message: text }),
    fail: (message, hint) => put({ state: 'log', level: 'error', message, ...(hint ? { hint } : {}) }),
    hold: () => {},
    close: () => {},
  };
}

function createConsoleReporter(options: ReporterOptions): Reporter {
  const model = new ProgressModel();
  const live = options.progress && options.isTerminal;
  const interval = options.intervalMs ?? 5000;
  let drawn = 0;
  let held = false;
  let lastMs = options.nowMs();

  const clear = (): void => {
    if (drawn > 0) options.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const draw = (): void => {
    const lines = renderBars(model, options.columns(), options.nowMs());
    clear();
    options.write(`${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  const line = (text: string): void => {
    clear();
    options.write(`${text}\n`);
  };
  // A server that hangs sends no events: silence must not look like a hang of our own.
  const beat = (): void => {
    const now = options.nowMs();
    if (held || !model.isUnderWay || now - lastMs < (live ? liveBeatMs : quietFactor * interval)) return;
    lastMs = now;
    if (live) draw();
    else options.write(`${model.line(now)}\n`);
  };
  const timer = options.progress ? setInterval(beat, live ? liveBeatMs : interval) : undefined;
  timer?.unref();
  return {
    report(event: RunEvent) {
      if (event.state === 'log') {
        if (isShown(event, options)) line(formatLog(event, options.color));
        return;
      }
      const now = options.nowMs();
      model.apply(event, now);
      if (event.state === 'retrying' && limits[options.level] >= limits.info)
        line(`${event.stage}: ${event.subject}: ${event.message ? stripControls(event.message) : 'trying again'}`);
      if (held || !options.progress || now - lastMs < (live ? 100 : interval)) return;
      lastMs = now;
      if (live) draw();
      else options.write(`${model.line(now)}\n`);
    },
    line,
    fail: (message, hint) => line(`error: ${message}${hint ? `\n  ${hint}` : ''}`),
    hold(isHeld) {
      if (isHeld) clear();
      held = isHeld;
    },
    close() {
      clearInterval(timer);
      clear();
    },
  };
}

function formatLog(event: LogEvent, color: boolean): string {
  const message = stripControls(event.message);
  if (event.level === 'info' || event.level === 'debug') return `${event.stage}: ${message}`;
  const word = color ? `\u001b[${event.level === 'error' ? 31 : 33}m${event.level}\u001b[0m` : event.level;
  return `${word}: ${event.stage}: ${message}`;
}
