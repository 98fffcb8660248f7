import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { AirlockError } from '../../../src/core/errors.ts';
import type { RunEvent } from '../../../src/core/events.ts';
import { quietRun } from '../../../src/core/run.ts';
import { judgeEnd } from '../../../src/mirror/oc-mirror/judge.ts';
import { OutputReader, type ReadOutput } from '../../../src/mirror/oc-mirror/output.ts';
import { describeShared } from '../../helpers/real.ts';

/** Feeds the normalised logs of a golden step, as they would have come. */
function readStep(step: string, events: RunEvent[] = []): ReadOutput {
  const reader = new OutputReader('build', quietRun({ report: (event) => events.push(event) }));
  for (const name of ['stderr.log', 'stdout.log']) {
    const text = readFileSync(path.join(step, name), 'utf8')
      .replaceAll(/<DATE> {2}\[([A-Z]+)\]/g, '2026/11/22 04:27:41 \u001b[1;94m [$1] \u001b[0m')
      .replaceAll('F<KLOG>', 'F1122 04:27:41.000000       1');
    for (const line of text.split('\n')) reader.push(line);
  }
  return reader.end();
}

function judgeStep(step: string) {
  const exitCode = Number(readFileSync(path.join(step, 'exit-code'), 'utf8'));
  return {
    exitCode,
    output: readStep(step),
    judge: () => judgeEnd({ exitCode, signal: undefined, output: readStep(step), logFolder: '/kept' }),
  };
}

function codeOf(work: () => unknown): string {
  try {
    return `no error: ${JSON.stringify(work())}`;
  } catch (error) {
    return error instanceof AirlockError ? error.code : String(error);
  }
}

describeShared('the end of a golden run', 'golden/cases', (cases) => {
  const steps = readdirSync(cases)
    .flatMap((name) => readdirSync(path.join(cases, name)).map((step) => path.join(name, step)))
    .filter((step) => existsSync(path.join(cases, step, 'command')))
    // `list`, `version` and `delete` are not driven.
    .filter(
      (step) => !/oc-mirror (?:delete|version|--v2 list)/.test(readFileSync(path.join(cases, step, 'command'), 'utf8')),
    );

  test('is understood in every case', () => {
    expect(steps.length).toBeGreaterThan(150);
    const odd = steps.flatMap((step) => {
      const { exitCode, output, judge } = judgeStep(path.join(cases, step));
      if (output.panic !== undefined) return codeOf(judge) === 'OC_MIRROR_CRASHED' ? [] : [`${step}: panic`];
      if (exitCode === 0) return judge().kind === 'done' ? [] : [step];
      if (exitCode === 1 || exitCode === 255) {
        const end = codeOf(judge);
        return /^OC_MIRROR_(?:FAILED|CONFIG_REFUSED)$|"nothing"/.test(end) ? [] : [`${step}: ${end}`];
      }
      const verdict = judge();
      const fine = verdict.kind === 'missing' && verdict.bits === exitCode && verdict.missing.length > 0;
      return fine ? [] : [`${step}: ${JSON.stringify(verdict)}`];
    });
    expect(odd).toEqual([]);
  });

  test.for([
    ['02i-release-badversion/1-m2d', 'OC_MIRROR_CRASHED'],
    ['17-auth/5-d2m-env', 'OC_MIRROR_CRASHED'],
    ['02g-release-unsigned-cosign/1-m2d', 'OC_MIRROR_FAILED'],
    ['05x06-range-both/1-m2d', 'OC_MIRROR_CONFIG_REFUSED'],
    ['05x08-duplicate-catalog/1-m2d', 'OC_MIRROR_CONFIG_REFUSED'],
    ['13m1-config-unknown-field/1-m2d', 'OC_MIRROR_CONFIG_REFUSED'],
    ['16-arguments/16-no-version-flag', 'OC_MIRROR_FAILED'],
    ['16-arguments/15-unknown-flag', 'OC_MIRROR_FAILED'],
    ['16-arguments/20-port-busy', 'OC_MIRROR_FAILED'],
    ['13l-d2m-target-down/2-d2m', 'OC_MIRROR_FAILED'],
  ] as const)('%s ends in %s', ([step, code]) => {
    expect(codeOf(judgeStep(path.join(cases, step)).judge)).toBe(code);
  });

  test('says what is missing, of which type and why', () => {
    expect(judgeStep(path.join(cases, '13c-unreachable-host/1-m2d')).judge()).toMatchObject({
      kind: 'missing',
      bits: 8,
      missing: [
        { type: 'generic', origin: '127.0.0.1:5699/a/b:1', code: 'OC_MIRROR_IMAGE_FAILED' },
        { type: 'generic', origin: 'no-such-host.example.invalid/a/b:1', code: 'OC_MIRROR_IMAGE_FAILED' },
      ],
    });
    expect(judgeStep(path.join(cases, '04j-missing/1-m2d')).judge()).toMatchObject({
      bits: 2,
      missing: [
        {
          type: 'ocpReleaseContent',
          code: 'OC_MIRROR_IMAGE_MISSING',
          cause: expect.stringMatching(/manifest unknown$/),
        },
      ],
    });
    expect(judgeStep(path.join(cases, '05x02-only-unknown-package/1-m2d')).judge()).toMatchObject({
      bits: 4,
      missing: [
        {
          type: 'operatorCatalog',
          origin: expect.stringMatching(/^registry\.example\.com\/acme\/community-index@sha256:a79f/),
        },
      ],
    });
  });

  test('names the folder with the logs, and says that --remove-signatures helps where it does', () => {
    const { judge } = judgeStep(path.join(cases, '02g-release-unsigned-cosign/1-m2d'));
    expect(judge).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('/kept'),
        hint: expect.stringContaining('--remove-signatures'),
        details: expect.objectContaining({ exitCode: 1, logFolder: '/kept' }),
      }),
    );
  });

  test('every image of the archive stands in the output, none in an error', () => {
    const events: RunEvent[] = [];
    const output = readStep(path.join(cases, '01-additional/1-m2d'), events);
    expect(output.copied.size).toBe(14);
    expect(output).toMatchObject({ failed: [], errors: [], portBusy: false });
    expect(events.filter((event) => event.state === 'finished')).toHaveLength(14);
    expect(events.find((event) => event.state === 'total')).toMatchObject({ totalItems: 14 });
  });
});

describe('what a run says', () => {
  test('counts nothing as a crash that only mentions one', () => {
    const reader = new OutputReader('build', quietRun());
    reader.push('2026/11/22 04:27:41  [WARN]   : do not panic: all is well');
    reader.push('2026/11/22 04:27:41  [INFO]   : goroutine count is low');
    expect(reader.end().panic).toBeUndefined();
  });

  test('takes a crash for one although its exit code is that of a missing release', () => {
    const reader = new OutputReader('build', quietRun());
    reader.push('panic: runtime error: index out of range');
    const end = { exitCode: 2, signal: undefined, output: reader.end(), logFolder: '/kept' };
    expect(codeOf(() => judgeEnd(end))).toBe('OC_MIRROR_CRASHED');
  });

  test('adds the images of the errors file that the output lost', () => {
    const reader = new OutputReader('build', quietRun());
    reader.pushErrorsFile(
      'error mirroring image docker://quay.io/a/b:1 (Operator bundles: [x.v1] - Operators: [x]) error: manifest unknown\n',
    );
    expect(reader.end().failed).toEqual([{ origin: 'quay.io/a/b:1', type: undefined, cause: 'manifest unknown' }]);
  });

  test('names the signal that ended it', () => {
    const end = {
      exitCode: undefined,
      signal: 'SIGKILL',
      output: new OutputReader('build', quietRun()).end(),
      logFolder: '/kept',
    };
    expect(() => judgeEnd(end)).toThrow(/was ended by SIGKILL/);
  });
});
