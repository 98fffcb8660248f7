import { describe, expect, test } from 'vitest';
import { normalizeNames } from '../../src/certs/index.ts';
import { parseSubjectAltName, uncoveredNames } from '../../src/certs/san.ts';

describe('normalizeNames', () => {
  test('gives lower case, canonical addresses, each once, in one order', () => {
    const sans = normalizeNames(
      ['Registry.Kitchen.example.', 'web', 'registry.kitchen.example'],
      ['2001:DB8:0::1', '192.0.2.10', '192.0.2.9'],
    );
    expect(sans).toEqual({
      names: ['registry.kitchen.example', 'web'],
      addresses: ['192.0.2.9', '192.0.2.10', '2001:db8::1'],
    });
  });

  test('makes an address among the names an address, brackets or not', () => {
    expect(normalizeNames(['192.0.2.1', '[2001:db8::1]'], [])).toEqual({
      names: [],
      addresses: ['192.0.2.1', '2001:db8::1'],
    });
  });

  test('writes international names in their ASCII form and keeps wildcards', () => {
    expect(normalizeNames(['küche.example', '*.apps.example'], []).names).toEqual([
      '*.apps.example',
      'xn--kche-0ra.example',
    ]);
  });

  test.each(['', 'a b', 'a..b', '-a', 'a.*.b', '*', 'a/b', 'x'.repeat(64), `${'a.'.repeat(127)}example`])(
    'refuses %j',
    (name) => {
      expect(() => normalizeNames([name], [])).toThrow(expect.objectContaining({ code: 'SAN_INVALID' }));
    },
  );

  test('refuses a name among the addresses', () => {
    expect(() => normalizeNames([], ['web'])).toThrow(expect.objectContaining({ code: 'SAN_INVALID' }));
  });
});

describe('uncoveredNames', () => {
  const covered = { names: ['*.apps.example', 'web.example'], addresses: ['192.0.2.1'] };
  test.each([
    ['console.apps.example', true],
    ['a.console.apps.example', false],
    ['apps.example', false],
    ['*.apps.example', true],
    ['*.web.example', false],
    ['web.example', true],
  ])('a wildcard stands for one label: %s is covered: %s', (name, expected) => {
    expect(uncoveredNames(covered, { names: [name], addresses: [] }).length === 0).toBe(expected);
  });

  test('names an address that is missing', () => {
    expect(uncoveredNames(covered, { names: [], addresses: ['192.0.2.1', '192.0.2.2'] })).toEqual(['192.0.2.2']);
  });
});

describe('parseSubjectAltName', () => {
  test('reads names and addresses and leaves other kinds out', () => {
    const text =
      'DNS:web.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, URI:"https://x/,DNS:evil.example", email:a@b.c';
    expect(parseSubjectAltName(text)).toEqual({ names: ['web.example'], addresses: ['192.0.2.1', '2001:db8::1'] });
  });

  test('gives nothing for a certificate without the extension', () => {
    expect(parseSubjectAltName(undefined)).toEqual({ names: [], addresses: [] });
  });
});
