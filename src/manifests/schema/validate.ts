import { canonicalJson } from '../../core/json.ts';
import { fitsFormat, fitsNumberFormat } from './formats.ts';
import type { KindSchema, StructuralSchema } from './structural.ts';

/** One place of an object that its schema does not allow. `path` is like `spec.osImages[0].url`; '' is the whole object. */
export interface SchemaFault {
  readonly path: string;
  readonly kind: 'unknown' | 'missing' | 'type' | 'value';
  readonly message: string;
}

type Push = (path: string, kind: SchemaFault['kind'], message: string) => void;

const metadataFields = new Set([
  'name',
  'generateName',
  'namespace',
  'labels',
  'annotations',
  'finalizers',
  'ownerReferences',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
]);

/**
 * Every place where an object differs from its kind's schema, unknown fields included, as the API server says with strict field validation.
 * CEL rules and webhooks are not evaluated.
 */
export function validateResource(resource: unknown, { schema, scope, ...kind }: KindSchema): SchemaFault[] {
  const faults: SchemaFault[] = [];
  const push: Push = (path, faultKind, message) => faults.push({ path, kind: faultKind, message });
  if (!isRecord(resource)) return [{ path: '', kind: 'type', message: 'is not an object' }];
  const apiVersion = `${kind.group}/${kind.version}`;
  if (resource['apiVersion'] !== apiVersion) push('apiVersion', 'value', `has to be ${apiVersion}`);
  if (resource['kind'] !== kind.kind) push('kind', 'value', `has to be ${kind.kind}`);
  checkMetadata(resource['metadata'], scope, push);
  const { apiVersion: _a, kind: _k, metadata: _m, ...rest } = resource;
  const { apiVersion: _b, kind: _l, metadata: _n, ...properties } = schema.properties ?? {};
  const required = (schema.required ?? []).filter((name) => !['apiVersion', 'kind', 'metadata'].includes(name));
  check(rest, { ...schema, type: 'object', properties, required }, '', push);
  return faults;
}

function checkMetadata(metadata: unknown, scope: KindSchema['scope'], push: Push): void {
  if (!isRecord(metadata)) {
    push('metadata', 'missing', 'is missing');
    return;
  }
  for (const key of Object.keys(metadata))
    if (!metadataFields.has(key)) push(`metadata.${key}`, 'unknown', 'is not a field');
  for (const key of ['labels', 'annotations'])
    for (const [name, value] of Object.entries(toRecord(metadata[key])))
      if (typeof value !== 'string') push(`metadata.${key}.${name}`, 'type', 'has to be text');
  if (typeof metadata['name'] !== 'string' && typeof metadata['generateName'] !== 'string')
    push('metadata.name', 'missing', 'is missing');
  if (scope === 'Cluster' && metadata['namespace'] !== undefined)
    push('metadata.namespace', 'value', 'has no meaning: the kind is cluster-scoped');
}

function check(value: unknown, schema: StructuralSchema, path: string, push: Push): void {
  if (value === null) {
    // The API server drops null values of fields that are not nullable before it validates, unless they are list items.
    if (!schema.nullable && path.endsWith(']')) push(path, 'type', 'must not be null');
    return;
  }
  if (!fitsType(value, schema)) {
    push(path, 'type', `has to be ${typeName(schema)}`);
    return;
  }
  if (schema.enum && !schema.enum.some((one) => canonicalJson(one) === canonicalJson(value)))
    push(path, 'value', `has to be one of ${schema.enum.map((one) => JSON.stringify(one)).join(', ')}`);
  if (typeof value === 'string') checkText(value, schema, path, push);
  else if (typeof value === 'number') checkNumber(value, schema, path, push);
  else if (Array.isArray(value)) checkList(value, schema, path, push);
  else if (isRecord(value)) checkObject(value, schema, path, push);
  checkCombinations(value, schema, path, push);
}

function checkText(value: string, schema: StructuralSchema, path: string, push: Push): void {
  const length = [...value].length;
  if (schema.minLength !== undefined && length < schema.minLength)
    push(path, 'value', `is shorter than ${schema.minLength} characters`);
  if (schema.maxLength !== undefined && length > schema.maxLength)
    push(path, 'value', `is longer than ${schema.maxLength} characters`);
  if (schema.pattern !== undefined && findPattern(schema.pattern)?.test(value) === false)
    push(path, 'value', `does not match ${schema.pattern}`);
  if (schema.format !== undefined && !fitsFormat(value, schema.format))
    push(path, 'value', `is not of format ${schema.format}`);
}

function checkNumber(value: number, schema: StructuralSchema, path: string, push: Push): void {
  const { minimum, maximum, multipleOf, format } = schema;
  if (minimum !== undefined && (value < minimum || (schema.exclusiveMinimum && value === minimum)))
    push(path, 'value', `is below ${minimum}`);
  if (maximum !== undefined && (value > maximum || (schema.exclusiveMaximum && value === maximum)))
    push(path, 'value', `is above ${maximum}`);
  if (multipleOf !== undefined && value % multipleOf !== 0) push(path, 'value', `is no multiple of ${multipleOf}`);
  if (format !== undefined && !fitsNumberFormat(value, format)) push(path, 'value', `is not of format ${format}`);
}

function checkList(value: readonly unknown[], schema: StructuralSchema, path: string, push: Push): void {
  if (schema.minItems !== undefined && value.length < schema.minItems)
    push(path, 'value', `has fewer than ${schema.minItems} items`);
  if (schema.maxItems !== undefined && value.length > schema.maxItems)
    push(path, 'value', `has more than ${schema.maxItems} items`);
  const keys = schema['x-kubernetes-list-map-keys'];
  const listType = schema['x-kubernetes-list-type'];
  const unique = schema.uniqueItems || listType === 'set' || (listType === 'map' && keys);
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const place = `${path}[${index}]`;
    if (schema.items) check(item, schema.items, place, push);
    if (!unique) continue;
    const identity = canonicalJson(listType === 'map' && keys ? keys.map((key) => toRecord(item)[key]) : item);
    if (seen.has(identity)) push(place, 'value', 'stands in the list twice');
    seen.add(identity);
  }
}

function checkObject(value: Record<string, unknown>, schema: StructuralSchema, path: string, push: Push): void {
  const place = (name: string): string => (path === '' ? name : `${path}.${name}`);
  for (const name of schema.required ?? [])
    if (value[name] === undefined || value[name] === null) push(place(name), 'missing', 'is missing');
  const count = Object.keys(value).length;
  if (schema.minProperties !== undefined && count < schema.minProperties)
    push(path, 'value', `has fewer than ${schema.minProperties} fields`);
  if (schema.maxProperties !== undefined && count > schema.maxProperties)
    push(path, 'value', `has more than ${schema.maxProperties} fields`);
  const { additionalProperties } = schema;
  const open =
    schema['x-kubernetes-preserve-unknown-fields'] ||
    additionalProperties === true ||
    (schema['x-kubernetes-embedded-resource'] && !schema.properties);
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const known = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (known) check(item, known, place(name), push);
    else if (typeof additionalProperties === 'object') check(item, additionalProperties, place(name), push);
    else if (schema['x-kubernetes-embedded-resource'] && ['apiVersion', 'kind', 'metadata'].includes(name)) continue;
    else if (!open) push(place(name), 'unknown', 'is not a field');
  }
}

/** Values only: in a structural schema the branches never add fields, they narrow what the fields hold. */
function checkCombinations(value: unknown, schema: StructuralSchema, path: string, push: Push): void {
  for (const branch of schema.allOf ?? []) checkBranch(value, branch, path, push);
  for (const [word, branches] of [
    ['any', schema.anyOf],
    ['exactly one', schema.oneOf],
  ] as const) {
    if (!branches) continue;
    const fitting = branches.filter((branch) => fitsBranch(value, branch)).length;
    if (word === 'any' ? fitting === 0 : fitting !== 1)
      push(path, 'value', `fits ${fitting} of ${branches.length} alternatives, not ${word}`);
  }
  if (schema.not && fitsBranch(value, schema.not)) push(path, 'value', 'is of a form that is not allowed');
}

function checkBranch(value: unknown, branch: StructuralSchema, path: string, push: Push): void {
  check(value, branch, path, (place, kind, message) => {
    if (kind !== 'unknown') push(place, kind, message);
  });
}

function fitsBranch(value: unknown, branch: StructuralSchema): boolean {
  let fits = true;
  checkBranch(value, branch, '', () => {
    fits = false;
  });
  return fits;
}

function fitsType(value: unknown, schema: StructuralSchema): boolean {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isInteger(value);
  switch (schema.type) {
    case 'object':
      return isRecord(value);
    case 'array':
      return Array.isArray(value);
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    default:
      return true;
  }
}

function typeName(schema: StructuralSchema): string {
  if (schema['x-kubernetes-int-or-string']) return 'a whole number or text';
  const names: Readonly<Record<string, string>> = {
    object: 'an object',
    array: 'a list',
    string: 'text',
    boolean: 'true or false',
    integer: 'a whole number',
    number: 'a number',
  };
  return names[schema.type ?? ''] ?? 'something else';
}

const patterns = new Map<string, RegExp | undefined>();

/** undefined where a pattern of Go's RE2 has no meaning in JavaScript; then nothing is said of it. */
function findPattern(text: string): RegExp | undefined {
  if (!patterns.has(text)) {
    // Of components of a path: an empty separator says nothing that the repetition does not, and makes JavaScript try every way to part a word.
    const plain = text.replaceAll('|__|[-]*)', '|__|[-]+)').replaceAll('|__|-*)', '|__|-+)');
    try {
      patterns.set(text, new RegExp(plain.replace(/\\z/g, '$').replace(/\\A/g, '^'), 'u'));
    } catch {
      patterns.set(text, findPlainPattern(plain));
    }
  }
  return patterns.get(text);
}

function findPlainPattern(text: string): RegExp | undefined {
  try {
    return new RegExp(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
