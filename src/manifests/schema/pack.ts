import { brotliCompressSync, constants } from 'node:zlib';
import { canonicalJson } from '../../core/json.ts';
import type { KindSchema, StructuralSchema } from './structural.ts';

/** Words of a schema that validation reads. */
const kept = new Set([
  'type',
  'nullable',
  'properties',
  'additionalProperties',
  'items',
  'required',
  'enum',
  'pattern',
  'format',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-int-or-string',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
]);

/** Schemas as the text of `kinds.generated.ts`: only what validation reads, status left open, compressed. Same input, same bytes. */
export function packKinds(kinds: readonly KindSchema[]): string {
  const sorted = [...kinds].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).map(compact);
  const bytes = brotliCompressSync(canonicalJson(sorted), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
  });
  return bytes.toString('base64');
}

function nameOf(kind: KindSchema): string {
  return `${kind.group}/${kind.version} ${kind.kind}`;
}

function compact(kind: KindSchema): KindSchema {
  const { status, ...properties } = kind.schema.properties ?? {};
  const open: StructuralSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return {
    ...kind,
    schema: prune({ ...kind.schema, properties: { ...properties, ...(status ? { status: open } : {}) } }),
  };
}

function prune(schema: StructuralSchema): StructuralSchema {
  const entries = Object.entries(schema)
    .filter(([word]) => kept.has(word))
    .map(([word, value]): [string, unknown] => {
      if (word === 'properties')
        return [
          word,
          Object.fromEntries(
            Object.entries(value as Record<string, StructuralSchema>).map(([name, one]) => [name, prune(one)]),
          ),
        ];
      if (Array.isArray(value) && ['allOf', 'anyOf', 'oneOf'].includes(word))
        return [word, value.map((one: StructuralSchema) => prune(one))];
      if (['items', 'not', 'additionalProperties'].includes(word) && typeof value === 'object')
        return [word, prune(value as StructuralSchema)];
      return [word, value];
    });
  return Object.fromEntries(entries);
}
