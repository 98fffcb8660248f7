import { describe, expect, test } from 'vitest';
import { type KindSchema, type StructuralSchema, validateResource } from '../../../src/manifests/index.ts';
import { describeShared } from '../../helpers/real.ts';
import { crdFaults, sharedCrds } from '../crds.ts';

function kindOf(spec: StructuralSchema): KindSchema {
  return {
    group: 'kitchen.example',
    version: 'v1',
    kind: 'Oven',
    scope: 'Cluster',
    schema: { type: 'object', properties: { spec }, required: ['spec'] },
  };
}

function faults(spec: unknown, schema: StructuralSchema): string[] {
  const oven = { apiVersion: 'kitchen.example/v1', kind: 'Oven', metadata: { name: 'big' }, spec };
  return validateResource(oven, kindOf(schema)).map(({ path, kind }) => `${kind} ${path}`);
}

describe('validateResource', () => {
  test.each<[string, unknown, StructuralSchema, string[]]>([
    ['accepts what fits', { a: 1 }, { type: 'object', properties: { a: { type: 'integer' } } }, []],
    ['names an unknown field', { b: 1 }, { type: 'object', properties: {} }, ['unknown spec.b']],
    ['lets a free-form part pass', { b: 1 }, { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, []],
    ['names a missing field', {}, { type: 'object', required: ['a'] }, ['missing spec.a']],
    ['refuses a number for text', 4.18, { type: 'string' }, ['type spec']],
    ['takes both for int-or-string', ['10%', 1], { type: 'array', items: { 'x-kubernetes-int-or-string': true } }, []],
    ['refuses a value outside an enum', 'c', { type: 'string', enum: ['a', 'b'] }, ['value spec']],
    ['refuses text that does not match', 'A', { type: 'string', pattern: '^[a-z]$' }, ['value spec']],
    ['refuses text that is too long', 'abc', { type: 'string', maxLength: 2 }, ['value spec']],
    ['refuses a number above the maximum', 5, { type: 'integer', maximum: 4 }, ['value spec']],
    [
      'refuses a doubled item of a set',
      ['a', 'a'],
      { type: 'array', 'x-kubernetes-list-type': 'set' },
      ['value spec[1]'],
    ],
    [
      'refuses a doubled key of a map list',
      [{ k: 1 }, { k: 1, v: 2 }],
      { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] },
      ['value spec[1]'],
    ],
    ['refuses what fits two of oneOf', 1, { oneOf: [{ minimum: 0 }, { maximum: 2 }] }, ['value spec']],
    ['refuses what fits not', 1, { not: { minimum: 0 } }, ['value spec']],
    ['refuses a bad date', 'today', { type: 'string', format: 'date-time' }, ['value spec']],
    ['refuses an IPv4 address where IPv6 is wanted', '192.0.2.1', { type: 'string', format: 'ipv6' }, ['value spec']],
    ['refuses a list where an object is wanted', [{}], { type: 'object' }, ['type spec']],
  ])('%s', (_, value, schema, expected) => {
    expect(faults(value, schema)).toEqual(expected);
  });

  test('refuses a namespace on a cluster-scoped kind and unknown metadata', () => {
    const oven = {
      apiVersion: 'kitchen.example/v1',
      kind: 'Oven',
      metadata: { name: 'big', namespace: 'x', label: {} },
      spec: {},
    };
    expect(validateResource(oven, kindOf({ type: 'object' })).map(({ path }) => path)).toEqual([
      'metadata.label',
      'metadata.namespace',
    ]);
  });
});

describeShared('the real CRDs', 'crds', () => {
  test('are all read', () => {
    expect(sharedCrds().size).toBeGreaterThanOrEqual(49);
  });

  test('refuse the documented slip of a list for additionalTrustedCA', () => {
    const image = {
      apiVersion: 'config.openshift.io/v1',
      kind: 'Image',
      metadata: { name: 'cluster' },
      spec: { additionalTrustedCA: [{ name: 'registry-config' }] },
    };
    expect(crdFaults(image)).toEqual(['Image cluster: spec.additionalTrustedCA has to be an object']);
  });
});
