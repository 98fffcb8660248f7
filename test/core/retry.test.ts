import { describe, expect, test } from 'vitest';
import { AirlockError } from '../../src/core/errors.ts';
import type { RunEvent } from '../../src/core/events.ts';
import { isTransient, parseRetryAfter, retry, retryDelayMs } from '../../src/core/retry.ts';
import { quietRun } from '../../src/core/run.ts';

const broken = new AirlockError('HTTP_UNREACHABLE', 'connection reset', { details: { reason: 'ECONNRESET' } });
const about = { stage: 'build', subject: 'kitchen' } as const;
const status = (code: number, more = {}) =>
  new AirlockError('REGISTRY_FAILED', 'no', { details: { status: code, ...more } });

describe('isTransient', () => {
  test.each([408, 425, 429, 500, 502, 503, 504])('status %i may pass', (code) => {
    expect(isTransient(status(code))).toBe(true);
  });
  test.each([400, 401, 403, 404, 405, 409, 413, 416, 501, 505])('status %i stays', (code) => {
    expect(isTransient(status(code))).toBe(false);
  });
  test('looks through the error that names the registry', () => {
    expect(isTransient(new AirlockError('REGISTRY_UNREACHABLE', 'x', { cause: broken }))).toBe(true);
  });
  test('takes neither unknown hosts, nor certificates, nor bugs', () => {
    expect(isTransient(new AirlockError('HTTP_UNREACHABLE', 'x', { details: { reason: 'ENOTFOUND' } }))).toBe(false);
    expect(isTransient(new AirlockError('HTTP_CERTIFICATE', 'x'))).toBe(false);
    expect(isTransient(new Error('bug'))).toBe(false);
  });
});

describe('parseRetryAfter', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  test.each([
    ['7', 7000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s is %s', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });
});

describe('retryDelayMs', () => {
  test('doubles from one second up to the longest', () => {
    expect([0, 1, 2, 3, 10].map((attempt) => retryDelayMs({}, attempt, broken))).toEqual([
      1000, 2000, 4000, 8000, 60_000,
    ]);
  });
  test('is fixed when asked for', () => {
    expect(retryDelayMs({ retryDelayMs: 300 }, 4, broken)).toBe(300);
  });
  test('is what the server asks for, but no longer than the longest', () => {
    expect(retryDelayMs({}, 0, status(429, { retryAfterMs: 9000 }))).toBe(9000);
    expect(retryDelayMs({ maxDelayMs: 5000 }, 0, status(429, { retryAfterMs: 3_600_000 }))).toBe(5000);
  });
});

describe('retry', () => {
  test('repeats until it succeeds and reports each wait', async () => {
    const events: RunEvent[] = [];
    const run = quietRun({ report: (event) => events.push(event) });
    const result = await retry(
      (attempt) => (attempt < 2 ? Promise.reject(broken) : Promise.resolve(attempt)),
      { firstDelayMs: 0 },
      about,
      run,
    );
    expect(result).toBe(2);
    expect(events).toMatchObject([{ state: 'retrying', subject: 'kitchen' }, { state: 'retrying' }]);
  });

  test('gives up after the last try with its error', async () => {
    let tries = 0;
    const task = () => {
      tries += 1;
      return Promise.reject(broken);
    };
    await expect(retry(task, { retryTimes: 2, firstDelayMs: 0 }, about, quietRun())).rejects.toBe(broken);
    expect(tries).toBe(3);
  });

  test('does not repeat what is not transient', async () => {
    let tries = 0;
    const task = () => {
      tries += 1;
      return Promise.reject(status(404));
    };
    await expect(retry(task, { firstDelayMs: 0 }, about, quietRun())).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
    });
    expect(tries).toBe(1);
  });

  test('ends its wait when the run is aborted', async () => {
    const abort = new AbortController();
    const waiting = retry(
      () => Promise.reject(broken),
      { firstDelayMs: 60_000 },
      about,
      quietRun({ signal: abort.signal }),
    );
    setImmediate(() => abort.abort());
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
