import type { Scalar } from '../core/yaml.ts';

/** Which plain words and digits are no text: those of YAML 1.1 as Go reads it, or of the YAML 1.2 core schema. */
export type YamlDialect = '1.1' | '1.2';

const words: Readonly<Record<YamlDialect, Readonly<Record<string, boolean | null>>>> = {
  '1.1': wordTable(['y', 'yes', 'on', 'true'], ['n', 'no', 'off', 'false']),
  '1.2': wordTable(['true'], ['false']),
};

const decimal = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/**
 * The value of a YAML scalar. 1.1 is what the YAML reader of oc-mirror and kubectl sees (go-yaml 2: no base-60 numbers, no dates): `yes`, `on`,
 * `y` are booleans, `010`, `0x1f`, `0b1` and `1_000` are numbers. Quoted and block scalars are text.
 */
export function resolveScalar(
  node: Scalar,
  dialect: YamlDialect,
): { value: string | number | boolean | null; source: string } {
  const text = String(node.value ?? '');
  const source = node.source ?? text;
  const tag = node.tag?.replace(/^tag:yaml\.org,2002:|^!!/, '');
  if (tag === 'str' || tag === 'binary' || (node.type !== undefined && node.type !== 'PLAIN' && tag === undefined))
    return { value: text, source: text === '' ? '""' : source };
  return { value: resolvePlain(text, dialect), source };
}

function resolvePlain(text: string, dialect: YamlDialect): string | number | boolean | null {
  if (text === '') return null;
  if (Object.hasOwn(words[dialect], text)) return words[dialect][text] ?? null;
  if (!/^[-+.0-9]/.test(text)) return text;
  const plain = dialect === '1.1' ? text.replaceAll('_', '') : text;
  const sign = plain.startsWith('-') ? -1 : 1;
  const digits = plain.replace(/^[-+]/, '');
  if (/^0x[0-9a-f]+$/i.test(digits) || /^0b[01]+$/i.test(digits) || /^0o[0-7]+$/i.test(digits))
    return sign * Number(digits);
  if (dialect === '1.1' && /^0[0-7]+$/.test(digits)) return sign * Number.parseInt(digits, 8);
  if (/^\.(?:inf|Inf|INF)$/.test(digits)) return sign * Number.POSITIVE_INFINITY;
  if (/^\.(?:nan|NaN|NAN)$/.test(plain)) return Number.NaN;
  return decimal.test(plain) ? Number(plain) : text;
}

function wordTable(yes: readonly string[], no: readonly string[]): Record<string, boolean | null> {
  const rows = [
    ...yes.flatMap(spellings).map((word) => [word, true]),
    ...no.flatMap(spellings).map((word) => [word, false]),
  ];
  return Object.fromEntries([...rows, ...['~', ...spellings('null')].map((word) => [word, null])]);
}

function spellings(word: string): string[] {
  return [word, word.slice(0, 1).toUpperCase() + word.slice(1), word.toUpperCase()];
}
