import type { Scalar } from '../core/yaml.ts';

const words: Readonly<Record<string, boolean | null>> = {
  ...Object.fromEntries(['y', 'yes', 'on', 'true'].flatMap(spellings).map((word) => [word, true])),
  ...Object.fromEntries(['n', 'no', 'off', 'false'].flatMap(spellings).map((word) => [word, false])),
  ...Object.fromEntries(['~', ...spellings('null')].map((word) => [word, null])),
};

const decimal = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/**
 * The value of a YAML scalar as the YAML reader of oc-mirror and kubectl sees it (go-yaml 2, YAML 1.1 without base-60 numbers and dates):
 * `yes`, `on`, `y` are booleans, `010`, `0x1f`, `0b1` and `1_000` are numbers. Quoted and block scalars are text.
 */
export function resolveScalar(node: Scalar): { value: string | number | boolean | null; source: string } {
  const text = String(node.value ?? '');
  const source = node.source ?? text;
  const tag = node.tag?.replace(/^tag:yaml\.org,2002:|^!!/, '');
  if (tag === 'str' || tag === 'binary' || (node.type !== undefined && node.type !== 'PLAIN' && tag === undefined))
    return { value: text, source: text === '' ? '""' : source };
  return { value: resolvePlain(text), source };
}

function resolvePlain(text: string): string | number | boolean | null {
  if (text === '') return null;
  if (Object.hasOwn(words, text)) return words[text] ?? null;
  if (!/^[-+.0-9]/.test(text)) return text;
  const plain = text.replaceAll('_', '');
  const sign = plain.startsWith('-') ? -1 : 1;
  const digits = plain.replace(/^[-+]/, '');
  if (/^0x[0-9a-f]+$/i.test(digits) || /^0b[01]+$/i.test(digits) || /^0o[0-7]+$/i.test(digits))
    return sign * Number(digits);
  if (/^0[0-7]+$/.test(digits)) return sign * Number.parseInt(digits, 8);
  if (/^\.(?:inf|Inf|INF)$/.test(digits)) return sign * Number.POSITIVE_INFINITY;
  if (/^\.(?:nan|NaN|NAN)$/.test(plain)) return Number.NaN;
  return decimal.test(plain) ? Number(plain) : text;
}

function spellings(word: string): string[] {
  return [word, word.slice(0, 1).toUpperCase() + word.slice(1), word.toUpperCase()];
}
