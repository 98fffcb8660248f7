import { setTimeout as sleep } from 'node:timers/promises';
import { AirlockError, errorText } from './errors.ts';
import type { Stage } from './events.ts';
import { cancellation, type Run } from './run.ts';

/** How often and how soon a failed request is made again. */
export interface RetryPolicy {
  /** Further tries after the first; default 5. */
  readonly retryTimes?: number;
  /** A fixed wait; 0 or left out: 1, 2, 4 … seconds. */
  readonly retryDelayMs?: number;
  /** First wait of the growing kind; default 1 s. Tests take 0 or 1. */
  readonly firstDelayMs?: number;
  /** No wait is longer, not even one the server asks for; default 60 s. */
  readonly maxDelayMs?: number;
}

const transientStatus: readonly number[] = [408, 425, 429, 500, 502, 503, 504];
const transientCodes: readonly string[] = ['HTTP_UNREACHABLE', 'HTTP_TIMEOUT'];

/** Whether a response status says "try again later". */
export function isTransientStatus(status: number): boolean {
  return transientStatus.includes(status);
}

/** Whether another try may help: broken connections, time-outs, 408, 429 and 5xx; not unknown hosts, certificates or other answers. */
export function isTransient(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof AirlockError && depth < 8; at = at.cause, depth += 1) {
    const status = at.details['status'];
    if (typeof status === 'number') return isTransientStatus(status);
    if (transientCodes.includes(at.code)) return at.details['reason'] !== 'ENOTFOUND';
  }
  return false;
}

/** The wait before try number `attempt` + 1 (attempt counts from 0), in milliseconds. */
export function retryDelayMs(policy: RetryPolicy, attempt: number, error: unknown): number {
  const longest = policy.maxDelayMs ?? 60_000;
  const asked = error instanceof AirlockError ? error.details['retryAfterMs'] : undefined;
  const own = policy.retryDelayMs || (policy.firstDelayMs ?? 1000) * 2 ** Math.min(attempt, 20);
  return Math.min(longest, Math.max(typeof asked === 'number' ? asked : 0, own));
}

/** `Retry-After` in either form (seconds, HTTP date) as milliseconds from now; undefined when absent or senseless. @see RFC 9110 §10.2.3 */
export function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}

/** What the 'retrying' events of a task say. */
export interface RetrySubject {
  readonly stage: Stage;
  readonly subject: string;
}

/**
 * Runs a task that is safe to repeat, again after transient failures, and reports each wait as a `retrying` event.
 * @throws what the last try threw; AirlockError CANCELLED
 */
export async function retry<T>(
  task: (attempt: number) => Promise<T>,
  policy: RetryPolicy,
  about: RetrySubject,
  run: Run,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await task(attempt);
    } catch (error) {
      if (run.signal.aborted || attempt >= (policy.retryTimes ?? 5) || !isTransient(error)) throw error;
      await waitForRetry(policy, attempt, error, about, run);
    }
  }
}

/** Reports the failure and waits for the next try. @throws AirlockError CANCELLED */
export async function waitForRetry(
  policy: RetryPolicy,
  attempt: number,
  error: unknown,
  about: RetrySubject,
  run: Run,
): Promise<void> {
  const delayMs = retryDelayMs(policy, attempt, error);
  const wait = delayMs >= 1000 ? ` in ${Math.round(delayMs / 1000)} s` : '';
  run.report({ ...about, state: 'retrying', message: `trying again${wait}: ${errorText(error)}` });
  await pause(delayMs, run);
}

/** Waits, but not beyond the end of the run. @throws AirlockError CANCELLED */
export async function pause(delayMs: number, run: Run): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal: run.signal });
  } catch {
    throw cancellation(run.signal);
  }
}
