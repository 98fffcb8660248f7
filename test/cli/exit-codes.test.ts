import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorCodes, exitCodeOf } from '../../src/cli/error-codes.ts';
import { AirlockError, coreErrors } from '../../src/core/errors.ts';
import { errorTables } from '../../src/workflow/index.ts';

const src = path.resolve(import.meta.dirname, '../../src');
const texts = readdirSync(src, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(path.join(src, name), 'utf8'));

describe('error codes', () => {
  test('stand in a table wherever they are thrown: a code without a row would be shown as a bug', () => {
    const thrown = texts.flatMap((text) => [...text.matchAll(/new AirlockError\(\s*'([A-Z0-9_]+)'/g)].map((m) => m[1]));
    expect(thrown.length).toBeGreaterThan(100);
    expect(thrown.filter((code) => code && !(code in errorCodes))).toEqual([]);
  });

  test('are unique over all folders', () => {
    const all = [coreErrors, ...errorTables].flatMap((table) => Object.keys(table));
    expect(all.filter((code, at) => all.indexOf(code) !== at)).toEqual([]);
  });

  test.each([
    ['SPACE_SHORT', 1],
    ['USAGE', 2],
    ['REGISTRY_UNREACHABLE', 3],
    ['DISK_FULL', 3],
    ['MANIFEST_UNKNOWN', 5],
    ['CANCELLED', 130],
    ['NO_SUCH_CODE', 4],
  ])('%s ends with %i', (code, exitCode) => {
    expect(exitCodeOf(new AirlockError(code, 'x'))).toBe(exitCode);
  });

  test('give a bug for anything else', () => {
    expect(exitCodeOf(new TypeError('x'))).toBe(4);
  });
});
