import { describe, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/cluster/index.ts';
import { drainReasons } from '../../src/cluster/mirror-tables.ts';

const kinds = {
  idms: ['config.openshift.io/v1', 'ImageDigestMirrorSet', 'imageDigestMirrors'],
  itms: ['config.openshift.io/v1', 'ImageTagMirrorSet', 'imageTagMirrors'],
  icsp: ['operator.openshift.io/v1alpha1', 'ImageContentSourcePolicy', 'repositoryDigestMirrors'],
} as const;

function mirrorSet(
  kind: keyof typeof kinds,
  name: string,
  rules: Readonly<Record<string, readonly string[]>>,
  policy?: string,
): ClusterObject {
  const [apiVersion, word, list] = kinds[kind];
  const more = policy === undefined ? {} : { mirrorSourcePolicy: policy };
  const entries = Object.entries(rules).map(([source, mirrors]) => ({ source, mirrors, ...more }));
  return { apiVersion, kind: word, metadata: { name }, spec: { [list]: entries } };
}

const one = mirrorSet('idms', 'one', { 'quay.io/a': ['m/a', 'n/a'] });
type Case = readonly [
  what: string,
  live: readonly ClusterObject[],
  before: ClusterObject | undefined,
  after: ClusterObject,
  drains: string | undefined,
];

// The rules of pkg/daemon/drain.go (isSafeContainerRegistryConfChanges), which looks at the file that all sets make together.
const cases: readonly Case[] = [
  ['a first set by digest', [], undefined, one, undefined],
  ['a further source by digest', [one], undefined, mirrorSet('idms', 'two', { 'quay.io/b': ['m/b'] }), undefined],
  [
    'a further mirror by digest',
    [one],
    one,
    mirrorSet('idms', 'one', { 'quay.io/a': ['m/a', 'n/a', 'o/a'] }),
    undefined,
  ],
  ['another order of mirrors', [one], one, mirrorSet('idms', 'one', { 'quay.io/a': ['n/a', 'm/a'] }), undefined],
  [
    'a new source that may not be asked',
    [one],
    undefined,
    mirrorSet('idms', 'two', { 'quay.io/b': ['m/b'] }, 'NeverContactSource'),
    undefined,
  ],
  [
    'a known source that may not be asked any more',
    [one],
    one,
    mirrorSet('idms', 'one', { 'quay.io/a': ['m/a', 'n/a'] }, 'NeverContactSource'),
    'mirrorSourcePolicy changes for quay.io/a',
  ],
  [
    'a mirror less',
    [one],
    one,
    mirrorSet('idms', 'one', { 'quay.io/a': ['m/a'] }),
    'mirrors are taken away from quay.io/a',
  ],
  ['a source less', [one], one, mirrorSet('idms', 'one', {}), 'mirrors are taken away from quay.io/a'],
  [
    'a rule that another set still has',
    [one, mirrorSet('icsp', 'old', { 'quay.io/a': ['m/a', 'n/a'] })],
    one,
    mirrorSet('idms', 'one', {}),
    undefined,
  ],
  [
    'a first rule by tag',
    [one],
    undefined,
    mirrorSet('itms', 'tags', { 'quay.io/c': ['m/c'] }),
    'pulls by tag change for quay.io/c',
  ],
  [
    'tags of a source that has digests',
    [one],
    undefined,
    mirrorSet('itms', 'tags', { 'quay.io/a': ['m/a'] }),
    'pulls by tag change for quay.io/a',
  ],
  [
    'digests of a source that has tags',
    [mirrorSet('itms', 'tags', { 'quay.io/c': ['m/c'] })],
    undefined,
    mirrorSet('idms', 'two', { 'quay.io/c': ['n/c'] }),
    undefined,
  ],
  ['no change', [one], one, one, undefined],
];

describe('drainReasons', () => {
  test.each(cases)('%s', (_, live, before, after, drains) => {
    expect(drainReasons(live, [{ before, after }])).toEqual(drains === undefined ? [] : [drains]);
  });

  test('names three sources at most', () => {
    const rules = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`quay.io/${name}`, ['m']]));
    expect(drainReasons([], [{ before: undefined, after: mirrorSet('itms', 'tags', rules) }])).toEqual([
      'pulls by tag change for quay.io/a, quay.io/b, quay.io/c and 2 more',
    ]);
  });
});
