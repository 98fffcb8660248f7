import { describe, expect, test } from 'vitest';
import { type CatalogDocument, createDocumentParser } from '../../src/mirror/catalog/documents.ts';
import { formatDocument } from '../../src/mirror/catalog/format.ts';
import { propertyFaults } from '../../src/mirror/catalog/properties.ts';

/** Documents of a text that comes in chunks of `size` bytes. */
function parse(text: string, size: number): CatalogDocument[] {
  const found: CatalogDocument[] = [];
  const parser = createDocumentParser('harbour.json', (document) => found.push(document));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) parser.write(bytes.subarray(at, at + size));
  parser.end();
  return found;
}

describe('createDocumentParser', () => {
  const objects = [
    { schema: 'olm.package', name: 'crane' },
    { text: 'a "quoted" brace } and \\ a backslash at the end \\' },
    { text: '\\\\"', list: [{ a: ['}', ']'] }], 'key"}': '{' },
    { unicode: 'Größe → ✓', empty: '' },
  ];

  test.each([1, 2, 3, 7, 64, 4096])('reads objects in chunks of %i bytes, whatever their strings hold', (size) => {
    expect(parse(objects.map((one) => JSON.stringify(one)).join(''), size)).toEqual(objects);
    expect(parse(`\n ${objects.map((one) => JSON.stringify(one, null, 2)).join('\n')}\n`, size)).toEqual(objects);
  });

  test.each([1, 5, 4096])('reads YAML documents in chunks of %i bytes', (size) => {
    const yaml =
      '---\nschema: olm.package\nname: crane\n---\ntext: |\n  --- no mark\n  x\n--- # the last\nz: 1\na: 2\n';
    expect(parse(yaml, size)).toEqual([
      { schema: 'olm.package', name: 'crane' },
      { text: '--- no mark\nx\n' },
      { a: 2, z: 1 },
    ]);
    expect(Object.keys(parse(yaml, size)[2] ?? {})).toEqual(['a', 'z']);
  });

  test('leaves dates of YAML as the text that they are', () => {
    expect(parse('createdAt: 2026-01-02\nat: 2026-01-02T03:04:05Z\nyes: on\n', 7)).toEqual([
      { at: '2026-01-02T03:04:05Z', createdAt: '2026-01-02', true: true },
    ]);
  });

  test.each(['{"a":1', '{"a":1}}', '{"a":1} x', '[1]', '- 1', 'a: [', '{a:}'])('refuses %j', (text) => {
    expect(() => parse(text, 3)).toThrow(expect.objectContaining({ code: 'CATALOG_UNREADABLE' }));
  });

  // OLM reads an olm.maxOpenShiftVersion of 4.10 by its digits; operator-registry hands the text of values on.
  test.each([
    ['olm.bundle', '4.10', '4.10'],
    ['olm.bundle', '[1.0, -0.50, 1e3, 12345678901234567890, 7]', '[1.0,-0.50,1e3,12345678901234567890,7]'],
    [
      'olm.bundle',
      '{"a": {"b": 4.20, "4.20": "4.20 \\" 1.0", "c\\\\": 2.0}}',
      '{"a":{"b":4.20,"4.20":"4.20 \\" 1.0","c\\\\":2.0}}',
    ],
    ['olm.bundle', '"\\u0000number x 4.10"', '"\\u0000number x 4.10"'],
    ['acme.extra', '4.10', '4.1'],
  ])('a property of %s with the value %s comes out as %s', (schema, value, expected) => {
    const text = `{"schema": "${schema}", "name": "a.v1", "package": "a", "properties": [{"type": "t", "value": ${value}}]}`;
    const [document] = parse(text, 5);
    const properties = /"properties":(\[\{.*\}\])/.exec(
      formatDocument(document ?? {})
        .replace(/\n */g, '')
        .replace(/": /g, '":'),
    );
    expect(properties?.[1]?.replace(/, (?=[-\d"])/g, ',')).toBe(`[{"type":"t","value":${expected}}]`);
  });

  // Through JSON, in which Go writes 64-bit integers whole and everything else as a double.
  test.each([
    ['9007199254740993', '9007199254740993'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['18446744073709551615', '18446744073709551615'],
    ['0x20000000000001', '9007199254740993'],
    ['[7, {a: 9_007_199_254_740_993}]', '[7,{"a":9007199254740993}]'],
    ['123456789012345678901234567890', '1.2345678901234568e+29'],
    ['4.10', '4.1'],
    ['1:30', '"1:30"'],
    ['"9007199254740993"', '"9007199254740993"'],
  ])('a property with the value %s in YAML comes out as %s', (value, expected) => {
    const [bundle, other] = parse(
      ['olm.bundle', 'acme.extra']
        .map(
          (schema) => `---\nschema: ${schema}\npackage: a\nproperties: [{type: t, value: ${value}}]\nsize: ${value}\n`,
        )
        .join(''),
      64,
    );
    const compact = (document: CatalogDocument | undefined): string =>
      formatDocument(document ?? {}).replace(/\s+/g, '');
    expect(compact(bundle)).toContain(`"properties":[{"type":"t","value":${expected}}]`);
    // Others go through doubles once more; the tool's own rules see plain numbers there.
    expect(compact(other)).toContain(
      `"value":${expected.replace(/(?<!")\d{16,}/, (digits) => String(Number(digits)))}`,
    );
  });

  test('a property that has to be an object is none as a number, however that is written', () => {
    const of = (value: string) =>
      parse(`{"schema": "olm.bundle", "properties": [{"type": "olm.gvk", "value": ${value}}]}`, 64)[0]?.['properties'];
    for (const value of ['1', '1.0'])
      expect(propertyFaults(of(value) as unknown[], { owner: 'a', hasImage: true })).toContain(
        'has a property olm.gvk that is no object',
      );
  });

  test('takes an empty file for one without documents', () => {
    expect(parse(' \n', 1)).toEqual([]);
  });

  test('reads a long text of escapes in time', () => {
    const text = JSON.stringify({ text: 'line\n'.repeat(200_000) });
    expect(parse(text, 1 << 18)).toHaveLength(1);
  });
});
