import { describe, expect, test } from 'vitest';
import { findNearest } from '../../src/config/nearest.ts';

describe('findNearest', () => {
  const known = ['additionalImages', 'blockedImages', 'operators', 'platform', 'helm'];
  test.each([
    ['additionalImage', 'additionalImages'],
    ['ADDITIONALIMAGES', 'additionalImages'],
    ['opertaors', 'operators'],
    ['platforms', 'platform'],
    ['hlem', 'helm'],
    ['zebra', undefined],
    ['', undefined],
  ])('%j is near %s', (text, nearest) => {
    expect(findNearest(text, known)).toBe(nearest);
  });

  test('is quick on absurd input', () => {
    expect(findNearest('x'.repeat(1e6), known)).toBeUndefined();
  });
});
