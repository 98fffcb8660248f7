import { describe, expect, test } from 'vitest';
import { parseRange } from '../../src/webserver/range.ts';

const spans = (...pairs: [number, number][]) => ({
  kind: 'spans',
  spans: pairs.map(([first, last]) => ({ first, last })),
});

describe('parseRange', () => {
  test.each([
    ['bytes=0-0', spans([0, 0])],
    ['bytes=0-', spans([0, 99])],
    ['bytes=90-200', spans([90, 99])],
    ['bytes=-10', spans([90, 99])],
    ['bytes=-200', spans([0, 99])],
    ['BYTES=5-6', spans([5, 6])],
    ['bytes= 5-6 , 8-9 ', spans([5, 6], [8, 9])],
    ['bytes=,5-6,', spans([5, 6])],
    ['bytes=50-60,0-10', spans([50, 60], [0, 10])],
    ['bytes=0-10,5-20', spans([0, 20])],
    ['bytes=0-10,11-20,30-40', spans([0, 20], [30, 40])],
    ['bytes=0-9,100-', spans([0, 9])],
    ['bytes=0-99999999999999999999', spans([0, 99])],
  ])('reads %s', (header, expected) => {
    expect(parseRange(header, 100)).toEqual(expected);
  });

  test.each([
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=5-4',
    'bytes=1-2,5-4',
    'lines=0-5',
    'bytes=0-1-2',
    'bytes=0x0-0x5',
    'bytes=+1-2',
  ])('ignores %j', (header) => {
    expect(parseRange(header, 100)).toEqual({ kind: 'whole' });
  });

  test.each(['bytes=100-', 'bytes=100-200', 'bytes=-0', 'bytes=500-600,-0'])('finds nothing for %s', (header) => {
    expect(parseRange(header, 100)).toEqual({ kind: 'unsatisfiable' });
  });

  test('finds nothing in an empty file', () => {
    expect(parseRange('bytes=0-', 0)).toEqual({ kind: 'unsatisfiable' });
    expect(parseRange('bytes=-5', 0)).toEqual({ kind: 'unsatisfiable' });
  });

  test('ignores a list that is made to cost the server more than the client', () => {
    const header = `bytes=${Array.from({ length: 1000 }, (_, index) => `${index * 2}-${index * 2}`).join(',')}`;
    expect(parseRange(header, 5000)).toEqual({ kind: 'whole' });
  });

  test('counts bytes beyond 4 GiB', () => {
    expect(parseRange('bytes=5368709120-5368709129', 6 * 2 ** 30)).toEqual(spans([5368709120, 5368709129]));
  });
});
