import { beforeAll, describe, expect, test } from 'vitest';
import { renderPemBundle, splitPemBundle } from '../../src/certs/index.ts';
import { testAuthority } from './pki.ts';

let first: string;
let second: string;
beforeAll(async () => {
  first = (await testAuthority('Kitchen CA')).certificatePem;
  second = (await testAuthority('Harbour CA')).certificatePem;
});

describe('splitPemBundle', () => {
  // Each of these makes OpenSSL, Go or both load nothing, without an error.
  test.each([
    ['glued blocks', () => first.trimEnd() + second.trimEnd()],
    ['indented blocks', () => (first + second).replace(/^/gm, '    ')],
    ['a byte order mark', () => `\ufeff${first}${second}`],
    ['carriage returns', () => (first + second).replaceAll('\n', '\r\n')],
    ['text between', () => `// Registry CA\n${first}\n\nsubject=CN = Harbour\n${second}`],
    ['base64 on one line', () => (first + second).replace(/([A-Za-z0-9+/=])\n(?!-)/g, '$1')],
  ])('encodes anew what comes with %s', (_, text) => {
    expect(splitPemBundle(text())).toEqual([first, second]);
  });

  test('finds nothing in a private key or plain text', () => {
    expect(splitPemBundle('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')).toEqual([]);
  });

  test.each([
    ['that is damaged', () => first.replace('MII', 'AII')],
    ['that only OpenSSL reads', () => first.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')],
  ])('refuses a block %s', (_, text) => {
    expect(() => splitPemBundle(text())).toThrow(expect.objectContaining({ code: 'CERTIFICATE_INVALID' }));
  });
});

describe('renderPemBundle', () => {
  test('holds each certificate once, in order of first appearance', () => {
    expect(renderPemBundle([first, second + first, '', second])).toBe(first + second);
  });
});
