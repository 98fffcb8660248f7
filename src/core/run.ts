import type { Disk } from './disk.ts';
import { nodeDisk } from './disk.ts';
import { AirlockError } from './errors.ts';
import type { Report } from './events.ts';

/** The ambient powers of one run, the last argument of everything that does IO. */
export interface Run {
  /** Aborted once by Ctrl-C or a time limit; every IO function rejects with its reason. */
  readonly signal: AbortSignal;
  readonly report: Report;
  readonly now: () => Date;
  /** All writes of bundle, journal and storage go through it (design §9). */
  readonly disk: Disk;
}

/** A run that reports to nobody and is never aborted, with `overrides` put in: for tests and small tools. */
export function quietRun(overrides: Partial<Run> = {}): Run {
  return {
    signal: new AbortController().signal,
    report: () => {},
    now: () => new Date(),
    disk: nodeDisk,
    ...overrides,
  };
}

/** @throws the abort reason (an AirlockError CANCELLED unless somebody aborted with another) when the run was aborted. */
export function assertRunning(run: Run): void {
  if (run.signal.aborted) throw cancellation(run.signal);
}

/** The error that an aborted signal stands for. */
export function cancellation(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  // DOMException is what a bare abort() gives; callers want our code in any case.
  if (reason instanceof AirlockError) return reason;
  return new AirlockError('CANCELLED', 'interrupted', { cause: reason });
}
