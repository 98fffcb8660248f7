import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/index.ts';
import { placeRepositories } from '../../src/workflow/nested-names.ts';

const [first, second] = ['a', 'b'].map((text) => digestOf(Buffer.from(text)));
if (!first || !second) throw new Error('there are two');
const repositories = [
  { name: 'harbour/quay/crane', tags: { '1': first }, revisions: [first] },
  { name: 'harbour/quay-crane', tags: { '2': second }, revisions: [first, second] },
  { name: 'tools', tags: { latest: second }, revisions: [second] },
];

describe('placeRepositories', () => {
  test('leaves names and prefix as they are where paths have no limit', () => {
    const placed = placeRepositories(repositories, { registry: 'registry.example.com', prefix: 'mirror' });
    expect(placed.repositories).toEqual(repositories);
    expect(placed.prefix).toBe('mirror');
    expect(placed.originals('tools')).toEqual(['tools']);
  });

  test('joins what is deeper, prefix included, and puts two repositories of one name together', () => {
    const placed = placeRepositories(repositories, {
      registry: 'registry.example.com',
      prefix: 'mirror',
      maxNestedPaths: 3,
    });
    expect(placed.prefix).toBe('');
    expect(placed.repositories.map((one) => one.name)).toEqual(['mirror/harbour/quay-crane', 'mirror/tools']);
    expect(placed.repositories[0]).toMatchObject({ tags: { '1': first, '2': second }, revisions: [first, second] });
    expect(placed.originals('mirror/harbour/quay-crane')).toEqual(['harbour/quay/crane', 'harbour/quay-crane']);
    expect(placed.originals('mirror/unknown')).toEqual([]);
  });

  test('makes one element of everything below a limit of two', () => {
    const placed = placeRepositories(repositories, {
      registry: 'registry.example.com',
      prefix: 'mirror',
      maxNestedPaths: 2,
    });
    expect(placed.repositories.map((one) => one.name)).toEqual(['mirror/harbour-quay-crane', 'mirror/tools']);
  });
});
