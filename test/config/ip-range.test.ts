import { describe, expect, test } from 'vitest';
import { rangeContains, rangesOverlap, toRange } from '../../src/config/ip-range.ts';
import { ipBytes, parseIp, parseIpPrefix, prefixContains } from '../../src/core/ip.ts';

describe('Ranges', () => {
  test.each([
    ['192.0.2.0/24', '192.0.2.255'],
    ['192.0.2.0/24', '192.0.3.0'],
    ['192.0.2.128/25', '192.0.2.127'],
    ['10.132.0.0/14', '10.135.255.255'],
    ['10.132.0.0/14', '10.136.0.0'],
    ['0.0.0.0/0', '255.255.255.255'],
    ['0.0.0.0/0', '2001:db8::1'],
    ['2001:db8::/61', '2001:db8:0:7:ffff::'],
    ['2001:db8::/61', '2001:db8:0:8::'],
    ['2001:db8::7/128', '2001:db8::7'],
  ])('%s and %s agree with the slow way', (prefix, address) => {
    expect(rangeContains(toRange(prefix), ipBytes(address))).toBe(
      prefixContains(parseIpPrefix(prefix), parseIp(address)),
    );
  });

  test.each([
    ['10.0.0.0/8', '10.1.0.0/16', true],
    ['10.1.0.0/16', '10.0.0.0/8', true],
    ['10.0.0.0/16', '10.1.0.0/16', false],
    ['::/0', '10.0.0.0/8', false],
  ])('%s overlaps %s: %s', (a, b, result) => {
    expect(rangesOverlap(toRange(a), toRange(b))).toBe(result);
  });
});
