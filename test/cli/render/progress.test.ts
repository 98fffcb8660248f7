import { describe, expect, test } from 'vitest';
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
    const lines = renderBars(model, 60, 1000);
    expect(lines[0]).toMatch(/^\[#{10}\.{14}\] build:/);
    expect(lines[1]).toContain('sha256:aa');
    for (const line of lines) expect(line.length).toBeLessThan(60);
  });

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
