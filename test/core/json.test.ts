import { expect, test } from 'vitest';
import { canonicalJson, prettyJson } from '../../src/core/json.ts';

test('keys are sorted at every depth, and undefined is left out', () => {
  const value = { b: [{ d: 1, c: undefined, a: null }], a: 'x', 10: true, 9: false };
  expect(canonicalJson(value)).toBe('{"9":false,"10":true,"a":"x","b":[{"a":null,"d":1}]}');
});

test('a key that names the prototype is a key like any other', () => {
  const text = '{"__proto__":{"a":1},"b":2}';
  expect(canonicalJson(JSON.parse(text))).toBe(text);
  expect(Object.getPrototypeOf({})).toBe(Object.prototype);
});

test('what people read is indented and ends its line', () => {
  expect(prettyJson({ b: 1, a: [] })).toBe('{\n  "a": [],\n  "b": 1\n}\n');
});

test('writes times as JSON does', () => {
  expect(canonicalJson({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
});
