import { describe, expect, test } from 'vitest';
import { compileBlockedPattern } from '../../src/config/index.ts';

describe('compileBlockedPattern', () => {
  test.each([
    ['.*-must-gather.*', 'docker://quay.io/a/odf-must-gather:1', true],
    ['^quay\\.io/', 'docker://quay.io/a/b:1', true],
    ['^docker', 'docker://quay.io/a/b:1', false],
    ['kettle$', 'quay.io/kettle:1', false],
    ['(?i)KETTLE', 'quay.io/kettle:1', true],
    ['', 'anything', true],
  ])('/%s/ on %s: %s', (pattern, reference, result) => {
    expect(compileBlockedPattern(pattern).matches(reference)).toBe(result);
  });

  test.each(['*x', '[a', '(?=x)', '(a'])('refuses %s, which RE2 does not take', (pattern) => {
    expect(() => compileBlockedPattern(pattern)).toThrow();
  });

  test('is not slowed by a pattern that makes other engines crawl', () => {
    const started = performance.now();
    compileBlockedPattern('(a+)+$').matches(`${'a'.repeat(2000)}!`);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
