import { describe, expect, test } from 'vitest';
import { expandVirtualAddresses } from '../../src/config/index.ts';

describe('expandVirtualAddresses', () => {
  test.each([
    ['192.0.2.60', ['192.0.2.60']],
    ['192.0.2.60-62', ['192.0.2.60', '192.0.2.61', '192.0.2.62']],
    ['192.0.2.60-192.0.2.61', ['192.0.2.60', '192.0.2.61']],
    ['2001:db8::60', ['2001:db8::60']],
    ['192.0.2.60-198.51.100.62', undefined],
    ['192.0.2.60-256', undefined],
    ['192.0.2.62-60', undefined],
    ['kettle', undefined],
  ])('%s', (text, expanded) => {
    expect(expandVirtualAddresses(text)).toEqual(expanded);
  });
});
