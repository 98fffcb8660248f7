import { describe, expect, test } from 'vitest';
import { documentLimits, readDocument } from '../../src/config/document.ts';
import { Faults } from '../../src/config/faults.ts';
import { findPlace, toPlain } from '../../src/config/node.ts';

function read(text: string): { plain: unknown; faults: string[]; place: (...path: (string | number)[]) => unknown } {
  const faults = new Faults('kitchen.yaml');
  const document = readDocument(text, faults);
  return {
    plain: document && toPlain(document.root),
    faults: faults.list().map(({ place, message }) => `${place?.line}:${place?.column} ${message}`),
    place: (...path) => document && findPlace(document.root, path),
  };
}

describe('readDocument', () => {
  test('reads scalars as the YAML reader of oc-mirror does', () => {
    const text =
      'a: [yes, On, n, ~, 010, 0x1f, 1_000, 4.16, .5, 4.16.1, 2024-01-01, 12:30:45, "yes", 0o7, -3, 1e3, .inf, 08]\n';
    expect(read(text).plain).toEqual({
      a: [
        true,
        true,
        false,
        null,
        8,
        31,
        1000,
        4.16,
        0.5,
        '4.16.1',
        '2024-01-01',
        '12:30:45',
        'yes',
        7,
        -3,
        1000,
        Number.POSITIVE_INFINITY,
        8,
      ],
    });
  });

  test('reads scalars of a site by YAML 1.2, as editors do', () => {
    const document = readDocument('a: [yes, n, on, true, False, ~, 010, 1_000, 0x1f]\n', new Faults('f'), '1.2');
    expect(document && toPlain(document.root)).toEqual({ a: ['yes', 'n', 'on', true, false, null, 10, '1_000', 31] });
  });

  test('keeps unquoted MAC and IPv6 addresses as text', () => {
    expect(read('mac: 52:54:00:00:00:01\nip: 2001:db8:10::1\nlist: [2001:db8::1, ::1]\n').plain).toEqual({
      mac: '52:54:00:00:00:01',
      ip: '2001:db8:10::1',
      list: ['2001:db8::1', '::1'],
    });
  });

  test.each([
    ['line feeds', 'a:\n  b:\n  - kettle\n'],
    ['carriage returns', 'a:\r\n  b:\r\n  - kettle\r\n'],
    ['a byte order mark', '\ufeffa:\n  b:\n  - kettle\n'],
    ['a document start', '---\na:\n  b:\n  - kettle\n'],
  ])('gives 1-based places in a file with %s', (title, text) => {
    const shift = title === 'a document start' ? 1 : 0;
    const { plain, place } = read(text);
    expect(plain).toEqual({ a: { b: ['kettle'] } });
    expect(place('a', 'b', 0)).toEqual({ line: 3 + shift, column: 5 });
    expect(place('a', 'b')).toEqual({ line: 2 + shift, column: 3 });
    expect(place('A', 'B', 0)).toEqual({ line: 3 + shift, column: 5 });
    expect(place('a', 'b', 7, 'c')).toEqual({ line: 2 + shift, column: 3 });
  });

  test('points at the key of a value that is left out', () => {
    expect(read('a:\n  kettle:\n  pot: 1\n').place('a', 'kettle')).toEqual({ line: 2, column: 3 });
  });

  test('names both lines of a duplicate key, every time', () => {
    expect(read('a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\na: 4\n').faults).toEqual([
      '3:1 key "a" is already set on line 1',
      '4:11 key "d" is already set on line 4',
      '5:1 key "a" is already set on line 1',
    ]);
  });

  test('tells of a tab, with a hint', () => {
    const faults = new Faults('f');
    expect(readDocument('a:\n\tb: 1\n', faults)).toBeUndefined();
    expect(faults.list()[0]).toMatchObject({
      code: 'CONFIG_SYNTAX',
      hint: expect.stringContaining('spaces'),
      place: { line: 2 },
    });
  });

  test('reads only the first document and counts the others', () => {
    const faults = new Faults('f');
    const document = readDocument('a: 1\n---\nb: [\n', faults);
    expect(document && toPlain(document.root)).toEqual({ a: 1 });
    expect(document?.isAlone).toBe(false);
    expect(faults.list()).toEqual([]);
  });

  test.each(['', '\n', '# only a remark\n', '---\n'])('takes %j for an empty mapping', (text) => {
    expect(read(text)).toMatchObject({ faults: [] });
    expect(read(text).plain ?? {}).toEqual({});
  });

  test('follows aliases and merge keys', () => {
    const text =
      'base: &base {os: linux, arch: amd64}\none: *base\ntwo: {<<: *base, arch: arm64}\nthree:\n  <<: [{x: 1}, *base]\n';
    expect(read(text).plain).toEqual({
      base: { os: 'linux', arch: 'amd64' },
      one: { os: 'linux', arch: 'amd64' },
      two: { os: 'linux', arch: 'arm64' },
      three: { x: 1, os: 'linux', arch: 'amd64' },
    });
  });

  test.each([
    ['an unknown anchor', 'a: *nobody\n', /nobody/],
    ['an endless alias', 'a: &a [*a]\n', /contains itself/],
    ['a merged list', 'a: {<<: [1]}\n', /merged/],
    ['a key that is a mapping', 'a: {{ .Name }}\n', /key has to be one word/],
  ])('refuses %s', (_, text, reason) => {
    expect(read(text).faults.join('\n')).toMatch(reason);
  });

  test('refuses a small file that unfolds into a huge one, at once', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 12; level += 1)
      lines.push(
        `a${level}: &a${level} [${Array(10)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    const started = performance.now();
    expect(read(lines.join('\n')).faults.join()).toMatch(/unfolds to \d+ values/);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('refuses a file that is nested too deeply', () => {
    expect(read(`${'['.repeat(500)}${']'.repeat(500)}`).faults.join()).toMatch(/nested too deeply|not YAML/);
  });

  test('refuses a file larger than a configuration can be', () => {
    expect(read(`a: "${'x'.repeat(documentLimits.bytes)}"`).faults).toEqual([
      expect.stringMatching(/^1:1 larger than 4 MiB/),
    ]);
  });

  test.each([
    ['a run of brackets', `a: ${'['.repeat(3e6)}`],
    ['nested mappings', `a: ${'{b: '.repeat(20_000)}`],
    ['nested dashes', `a:\n  ${'- '.repeat(20_000)}`],
    ['a text without end', `a: "${'\\\\'.repeat(1e6)}`],
    ['two hundred thousand documents', '---\na: 1\n'.repeat(200_000)],
    ['twenty thousand equal keys', 'a: 1\n'.repeat(20_000)],
    ['twenty thousand anchors', Array.from({ length: 20_000 }, (_, index) => `a${index}: &a${index} x`).join('\n')],
  ])('is soon done with %s', (_, text) => {
    const started = performance.now();
    readDocument(text, new Faults('f'));
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test.each([
    ['a: 1\n---\n', true],
    ['# remark\n---\na: 1\n...\n# end\n', true],
    ['%YAML 1.2\n---\na: 1\n', true],
    ['a: |\n  ---\n  text\nb: 1\n', true],
    ['a: 1\n---\nb: 2\n', false],
    ['---\na: 1\n---\n\n# x\n{b: 2}\n', false],
    ['a: 1\n--- {b: 2}\n', false],
  ])('knows whether there is more than %j', (text, isAlone) => {
    expect(readDocument(text, new Faults('f'))?.isAlone).toBe(isAlone);
  });

  test('keeps a key named __proto__ a key', () => {
    const { plain } = read('__proto__: {polluted: true}\n');
    expect(Object.keys(plain as object)).toEqual(['__proto__']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
