import { describe, expect, test } from 'vitest';
import { compareNames, isWithin, nameLabels, parseDomainName, qualifyName, relativeText } from '../../src/dns/name.ts';

describe('parseDomainName', () => {
  test.each([
    ['Registry.Lab.Example.COM.', 'registry.lab.example.com'],
    ['*.apps.hub.lab.example.com', '*.apps.hub.lab.example.com'],
    ['_etcd-server-ssl._tcp.lab', '_etcd-server-ssl._tcp.lab'],
    ['1.0/25.2.0.192.in-addr.arpa', '1.0/25.2.0.192.in-addr.arpa'],
    ['.', ''],
    ['a'.repeat(63), 'a'.repeat(63)],
  ])('takes %s', (text, name) => {
    expect(parseDomainName(text)).toBe(name);
  });

  test.each([
    '',
    'a..b',
    '-a.b',
    'a-.b',
    'hä.example',
    'a b',
    'a.*.b',
    '*a.b',
    'a'.repeat(64),
    `${'abcdefgh.'.repeat(28)}abc`,
    '..',
  ])('refuses "%s"', (text) => {
    expect(() => parseDomainName(text)).toThrow(expect.objectContaining({ code: 'DNS_NAME_INVALID' }));
  });
});

test('a host without a dot gets the domain, one with a dot keeps its own', () => {
  expect(qualifyName('bastion', 'lab.example.com')).toBe('bastion.lab.example.com');
  expect(qualifyName('bastion.corp.example', 'lab.example.com')).toBe('bastion.corp.example');
});

test('a name is within its ancestors, and not within a name that merely ends alike', () => {
  const name = parseDomainName('api.hosted1.lab.example.com');
  expect(isWithin(name, parseDomainName('lab.example.com'))).toBe(true);
  expect(isWithin(name, parseDomainName('1.lab.example.com'))).toBe(false);
  expect(isWithin(name, parseDomainName('.'))).toBe(true);
  expect(relativeText(name, parseDomainName('hosted1.lab.example.com'))).toBe('api');
  expect(relativeText(name, parseDomainName('other.example'))).toBe('api.hosted1.lab.example.com.');
});

test('escaped dots do not part labels', () => {
  expect(nameLabels('a\\.b.c\\046d.e' as ReturnType<typeof parseDomainName>)).toEqual(['a\\.b', 'c\\046d', 'e']);
});

test('names sort by their last labels, numbers by value', () => {
  const sorted = ['10.2.arpa', '9.2.arpa', '2.arpa', 'arpa', 'a.b.arpa'].map(parseDomainName).sort(compareNames);
  expect(sorted).toEqual(['arpa', '2.arpa', '9.2.arpa', '10.2.arpa', 'a.b.arpa']);
});
