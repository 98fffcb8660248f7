import { describe, expect, test, vi } from 'vitest';
import { ProgressModel, renderBars } from '../../../src/cli/render/progress.ts';
import { createReporter, type ReporterOptions } from '../../../src/cli/render/reporter.ts';
import type { RunEvent } from '../../../src/core/events.ts';

const mib = 1024 ** 2;
const total: RunEvent = {
  stage: 'build',
  state: 'total',
  totalBytes: 10 * mib,
  totalItems: 4,
  doneBytes: 2 * mib,
  doneItems: 1,
};

function reporter(overrides: Partial<ReporterOptions> = {}) {
  const lines: string[] = [];
  const clock = { ms: 0 };
  const made = createReporter({
    format: 'console',
    level: 'info',
    progress: true,
    isTerminal: false,
    color: false,
    columns: () => 80,
    write: (text) => lines.push(text),
    nowMs: () => clock.ms,
    intervalMs: 1000,
    ...overrides,
  });
  return { ...made, lines, clock };
}

describe('progress', () => {
  test('counts bytes of transfers under way and finished ones, and the rate without what was there before', () => {
    const model = new ProgressModel();
    model.apply(total, 0);
    model.apply({ stage: 'build', subject: 'a', state: 'active', doneBytes: 1 * mib, totalBytes: 4 * mib }, 500);
    model.apply({ stage: 'build', subject: 'a', state: 'active', doneBytes: 3 * mib, totalBytes: 4 * mib }, 900);
    expect(model.doneBytes).toBe(5 * mib);
    model.apply({ stage: 'build', subject: 'a', state: 'finished', totalBytes: 4 * mib }, 1000);
    expect(model.line(1000)).toBe(
      'build: 6.00 MiB of 10.0 MiB (60 %), 2 of 4 items, 4.00 MiB/s, 1.0 s left'.replace(', 1.0 s left', ''),
    );
  });

  test('tells the rate of the last half minute, not of the whole run, and what stands still', () => {
    const model = new ProgressModel();
    model.apply({ ...total, totalBytes: 1000 * mib }, 0);
    const active = (doneBytes: number, seconds: number): void =>
      model.apply({ stage: 'build', subject: 'a', state: 'active', doneBytes }, seconds * 1000);
    for (let second = 1; second <= 60; second += 1) active(second * mib, second);
    expect(model.rateBytes(60_000)).toBeCloseTo(mib, -4);
    for (let second = 61; second <= 120; second += 1) active((60 + (second - 60) * 4) * mib, second);
    expect(model.rateBytes(120_000)).toBeCloseTo(4 * mib, -4);
    expect(model.line(120_000)).toMatch(/ 4\.00 MiB\/s, 2 m 54 s left$/);
    expect(model.line(190_000)).toMatch(/ items, nothing moved for 1 m 10 s$/);
  });

  test('begins to count anew with a new total of the same stage', () => {
    const model = new ProgressModel();
    model.apply(total, 0);
    model.apply({ stage: 'build', subject: 'a', state: 'finished', totalBytes: 8 * mib }, 500);
    model.apply({ ...total, doneBytes: 0, doneItems: 0, totalItems: 1 }, 1000);
    model.apply({ stage: 'build', subject: 'v', state: 'active', doneBytes: mib, totalBytes: 10 * mib }, 2000);
    expect(model.line(2000)).toBe('build: 1.00 MiB of 10.0 MiB (10 %), 0 of 1 items, 1.00 MiB/s, 9.0 s left');
  });

  test('takes bytes of a failed transfer back', () => {
    const model = new ProgressModel();
    model.apply(total, 0);
    model.apply({ stage: 'build', subject: 'a', state: 'active', doneBytes: 1 * mib, totalBytes: 4 * mib }, 1);
    model.apply({ stage: 'build', subject: 'a', state: 'failed' }, 2);
    expect(model.doneBytes).toBe(2 * mib);
  });

  test('draws a bar for the stage and one for each transfer, no wider than the terminal', () => {
    const model = new ProgressModel();
    model.apply(total, 0);
    model.apply(
      { stage: 'build', subject: 'sha256:aa', state: 'active', doneBytes: 2 * mib, totalBytes: 4 * mib },
      1000,
    );
    expect(renderBars(model, 120, 1000)[0]).toMatch(/^\[#{10}\.{14}\] build:/);
    const lines = renderBars(model, 60, 1000);
    expect(lines[1]).toContain('sha256:aa');
    for (const line of lines) expect(line.length).toBeLessThan(60);
  });

  test.each([80, 90, 100, 120])(
    'shows what is left on a terminal of %i columns, whatever becomes of the bar',
    (columns) => {
      const model = new ProgressModel();
      const gib = 1024 * mib;
      model.apply({ ...total, totalBytes: 512 * gib, doneBytes: 100 * gib, totalItems: 4321, doneItems: 1234 }, 0);
      model.apply({ stage: 'build', subject: 'a', state: 'active', doneBytes: 800 * mib, totalBytes: gib }, 10_000);
      const [head = ''] = renderBars(model, columns, 10_000);
      expect(head).toMatch(/\(19 %\), 1234 of 4321 items, 80\.0 MiB\/s, 1 h 27 m left$/);
      expect(head.length).toBeLessThan(columns);
      expect(head.startsWith('[')).toBe(columns > 80);
    },
  );

  test('writes a line every interval where there is no terminal, without control characters', () => {
    const { report, lines, clock } = reporter();
    report(total);
    for (let step = 1; step <= 4; step += 1) {
      clock.ms = step * 600;
      report({ stage: 'build', subject: 'a', state: 'active', doneBytes: step * 1000, totalBytes: mib });
    }
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toContain('\u001b');
  });

  test.each([
    ['a line after six intervals where there is no terminal', false, 6000],
    ['the view every second on a terminal', true, 1000],
  ])('shows %s when no event comes while something is under way', (_title, isTerminal, afterMs) => {
    vi.useFakeTimers();
    try {
      const { report, hold, close, lines, clock } = reporter({ isTerminal });
      const pass = (ms: number): void => {
        for (let at = 0; at < ms; at += 500) {
          clock.ms += 500;
          vi.advanceTimersByTime(500);
        }
      };
      pass(60_000);
      expect(lines).toEqual([]);
      report(total);
      report({ stage: 'build', subject: 'a', state: 'started', totalBytes: mib });
      lines.length = 0;
      pass(afterMs);
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.join('')).toContain('build: 2.00 MiB of 10.0 MiB');
      hold(true);
      lines.length = 0;
      pass(60_000);
      expect(lines).toEqual([]);
      hold(false);
      pass(afterMs);
      expect(lines.join('')).toContain('nothing moved for 1 m');
      close();
      lines.length = 0;
      pass(60_000);
      expect(lines).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('writes every event as a JSON object on request', () => {
    const { report, lines } = reporter({ format: 'json' });
    report(total);
    report({ stage: 'build', state: 'log', level: 'info', message: 'hello' });
    report({ stage: 'build', state: 'log', level: 'debug', message: 'not shown' });
    expect(lines.map((line) => JSON.parse(line).state)).toEqual(['total', 'log']);
  });

  test('writes at most one JSON object a second on how far the same subject is, and every other event', () => {
    const { report, lines, clock } = reporter({ format: 'json' });
    for (let step = 0; step < 25; step += 1) {
      clock.ms = 5000 + step * 100;
      for (const subject of ['a', 'b']) report({ stage: 'build', subject, state: 'active', doneBytes: step });
    }
    report({ stage: 'build', subject: 'a', state: 'finished' });
    expect(lines.map((line) => JSON.parse(line).doneBytes ?? 'end')).toEqual([0, 0, 10, 10, 20, 20, 'end']);
  });

  test('shows warnings only at level warn, and nothing of progress with --no-progress', () => {
    const { report, lines, clock } = reporter({ level: 'warn', progress: false });
    report(total);
    clock.ms = 9000;
    report({ stage: 'build', subject: 'a', state: 'active', doneBytes: 1 });
    report({ stage: 'build', state: 'log', level: 'info', message: 'quiet' });
    report({ stage: 'build', state: 'log', level: 'warning', message: 'loud \u001b[31m' });
    expect(lines).toEqual(['warning: build: loud [31m\n']);
  });
});
