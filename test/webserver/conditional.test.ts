import { describe, expect, test } from 'vitest';
import { evaluatePreconditions } from '../../src/webserver/conditional.ts';

const file = { etag: '"abc"', modifiedAt: new Date('2031-03-04T05:06:07.890Z') };
const now = new Date('2031-04-01T00:00:00Z');
const exact = 'Tue, 04 Mar 2031 05:06:07 GMT';
const before = 'Tue, 04 Mar 2031 05:06:06 GMT';
const after = 'Tue, 04 Mar 2031 05:06:08 GMT';

describe('evaluatePreconditions', () => {
  test.each([
    [{}, 'proceed'],
    [{ 'if-none-match': '"abc"' }, 'not-modified'],
    [{ 'if-none-match': 'W/"abc"' }, 'not-modified'],
    [{ 'if-none-match': '"x, y", "abc"' }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"other"' }, 'proceed'],
    [{ 'if-none-match': '"other"', 'if-modified-since': exact }, 'proceed'],
    [{ 'if-modified-since': exact }, 'not-modified'],
    [{ 'if-modified-since': after }, 'not-modified'],
    [{ 'if-modified-since': before }, 'proceed'],
    [{ 'if-modified-since': 'Tuesday, 04-Mar-31 05:06:07 GMT' }, 'not-modified'],
    [{ 'if-modified-since': 'Tue Mar  4 05:06:07 2031' }, 'not-modified'],
    [{ 'if-modified-since': '2031' }, 'proceed'],
    [{ 'if-match': '"abc"' }, 'proceed'],
    [{ 'if-match': 'W/"abc"' }, 'failed'],
    [{ 'if-match': '"other"' }, 'failed'],
    [{ 'if-match': '*' }, 'proceed'],
    [{ 'if-unmodified-since': before }, 'failed'],
    [{ 'if-unmodified-since': exact }, 'proceed'],
    [{ 'if-match': '"abc"', 'if-unmodified-since': before }, 'proceed'],
    [{ 'if-match': '"other"', 'if-none-match': '"abc"' }, 'failed'],
    [{ 'if-range': '"abc"' }, 'proceed'],
    [{ 'if-range': 'W/"abc"' }, 'whole'],
    [{ 'if-range': '"other"' }, 'whole'],
    [{ 'if-range': exact }, 'proceed'],
    [{ 'if-range': after }, 'whole'],
    [{ 'if-range': 'garbage' }, 'whole'],
  ])('%j leads to %s', (headers, expected) => {
    expect(evaluatePreconditions(headers, file, now)).toBe(expected);
  });

  test('does not take a date for a strong validator within the second of the change', () => {
    expect(evaluatePreconditions({ 'if-range': exact }, file, new Date('2031-03-04T05:06:07.999Z'))).toBe('whole');
  });
});
