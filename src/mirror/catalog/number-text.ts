import { field, text as textOf } from './values.ts';

/**
 * A number as it was written, where its value alone would say something else: `4.10` is 4.1 as a number, but OLM reads an
 * `olm.maxOpenShiftVersion` of 4.10 by its digits. operator-registry hands the values of properties on as their JSON text.
 */
export class NumberText {
  readonly literal: string;
  constructor(literal: string) {
    this.literal = literal;
  }

  /** What `restoreNumbers` finds again in the text that `JSON.stringify` makes. */
  toJSON(): string {
    return mark + this.literal;
  }
}

// No text of a catalog has a NUL in it; one that had would come out as the number that it names.
const mark = '\0number ';
const numberForm = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wholeForm = new RegExp(`^${numberForm.source}$`);
// Documents of other schemas go through the values of their numbers in operator-registry too.
const ownSchema = /^olm\.(?:package|channel|bundle|deprecations)$/;

/** Parses a JSON document; in `properties` numbers whose text is not that of their value keep it. @throws SyntaxError */
export function parseWithNumbers(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !ownSchema.test(textOf(field(value, 'schema')))) return value;
  if (!holdsNumber(field(value, 'properties'))) return value;
  const marked: unknown = JSON.parse(markNumbers(text), (_, inner: unknown) =>
    typeof inner === 'string' && inner.startsWith(mark) && wholeForm.test(inner.slice(mark.length))
      ? new NumberText(inner.slice(mark.length))
      : inner,
  );
  return { ...value, properties: field(marked, 'properties') };
}

/**
 * What YAML gave with whole numbers as bigints: plain numbers, but for those in `properties` that a number cannot hold. operator-registry turns
 * YAML into JSON first, where 64-bit integers keep their digits and all else is a double (`4.10` is 4.1).
 */
export function keepIntegers(value: unknown): unknown {
  const own = ownSchema.test(textOf(field(value, 'schema')));
  return mapIntegers(value, (whole, isProperty) => {
    const number = Number(whole);
    const fits = whole >= -(2n ** 63n) && whole < 2n ** 64n;
    return own && isProperty && fits && !Number.isSafeInteger(number) ? new NumberText(String(whole)) : number;
  });
}

function mapIntegers(
  value: unknown,
  read: (whole: bigint, isProperty: boolean) => unknown,
  isProperty?: boolean,
): unknown {
  if (typeof value === 'bigint') return read(value, isProperty === true);
  if (Array.isArray(value)) return value.map((item) => mapIntegers(item, read, isProperty ?? false));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    // Only those of the document itself.
    Object.entries(value).map(([key, inner]) => [key, mapIntegers(inner, read, isProperty ?? key === 'properties')]),
  );
}

/** Puts numbers back into JSON text. */
export function restoreNumbers(json: string): string {
  return json.includes('"\\u0000number ') ? json.replace(/"\\u0000number ([-+.\deE]+)"/g, '$1') : json;
}

function holdsNumber(value: unknown): boolean {
  if (typeof value === 'number') return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsNumber);
}

/** JSON text in which each number that would lose its form stands as text behind a mark. */
function markNumbers(text: string): string {
  const parts: string[] = [];
  let copied = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (character === '"') at = endOfString(text, at);
    else if (character === '-' || (character >= '0' && character <= '9')) {
      numberForm.lastIndex = at;
      const literal = numberForm.exec(text)?.[0] ?? character;
      if (String(Number(literal)) !== literal) {
        parts.push(text.slice(copied, at), JSON.stringify(mark + literal));
        copied = at + literal.length;
      }
      at += literal.length - 1;
    }
  }
  return parts.join('') + text.slice(copied);
}

/** The place of the closing quote. */
function endOfString(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}
