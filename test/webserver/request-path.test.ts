import { describe, expect, test } from 'vitest';
import { encodePath, parseRequestPath } from '../../src/webserver/request-path.ts';

describe('parseRequestPath', () => {
  test.each([
    ['/', '/'],
    ['/rhcos/a/b.iso', '/rhcos/a/b.iso'],
    ['/rhcos/', '/rhcos/'],
    ['/rhcos//a///b.iso', '/rhcos/a/b.iso'],
    ['/rhcos/a.iso?arch=x86_64&v=4.19', '/rhcos/a.iso'],
    ['/k%C3%BCche/50%25', '/küche/50%'],
    ['http://web:8080/rhcos/', '/rhcos/'],
    ['http://web:8080', '/'],
    ['/a+b', '/a+b'],
    ['/%252e%252e/etc/passwd', '/%2e%2e/etc/passwd'],
    ['/..a/b..', '/..a/b..'],
  ])('reads %s as %s', (target, path) => {
    expect(parseRequestPath(target)).toBe(path);
  });

  test.each(
    [
      '/../etc/passwd',
      '/rhcos/../../etc/passwd',
      '/rhcos/./a',
      '/%2e%2e/etc/passwd',
      '/.%2E/etc/passwd',
      '/rhcos/%2e%2e%2fetc',
      '/rhcos%2f..%2fetc',
      '/..\\..\\etc',
      '/%5c..%5cetc',
      '/a%00.iso',
      '/a%0d%0aSet-Cookie:x',
      '/%c0%ae%c0%ae/etc/passwd',
      '/%ff',
      '/%',
      '/%zz',
      '*',
      'rhcos',
      '',
    ].filter(Boolean),
  )('refuses %s', (target) => {
    expect(parseRequestPath(target)).toBeUndefined();
  });
});

describe('encodePath', () => {
  test('gives a path that reads back as itself', () => {
    const path = '/küche & co/50%/"a?b#c".iso';
    expect(parseRequestPath(encodePath(path))).toBe(path);
  });
});
