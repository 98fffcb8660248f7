import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/index.ts';
import { withNestedPaths } from '../../src/workflow/index.ts';
import { placeRepositories } from '../../src/workflow/nested-names.ts';

const [first, second] = ['a', 'b'].map((text) => digestOf(Buffer.from(text)));
if (!first || !second) throw new Error('there are two');
const repositories = [
  { name: 'harbour/quay/crane', tags: { '1': first }, revisions: [first] },
  { name: 'harbour/quay-crane', tags: { '2': second }, revisions: [first, second] },
  { name: 'tools', tags: { latest: second }, revisions: [second] },
];

function fail(message: string): never {
  throw new Error(message);
}

describe('placeRepositories', () => {
  test('leaves names and prefix as they are where paths have no limit', () => {
    const placed = placeRepositories(repositories, { registry: 'registry.example.com', prefix: 'mirror' }, fail);
    expect(placed.repositories).toEqual(repositories);
    expect(placed.prefix).toBe('mirror');
    expect(placed.originals('tools')).toEqual(['tools']);
  });

  test('joins what is deeper, prefix included, and puts two repositories of one name together', () => {
    const placed = placeRepositories(
      repositories,
      {
        registry: 'registry.example.com',
        prefix: 'mirror',
        maxNestedPaths: 3,
      },
      fail,
    );
    expect(placed.prefix).toBe('');
    expect(placed.repositories.map((one) => one.name)).toEqual(['mirror/harbour/quay-crane', 'mirror/tools']);
    expect(placed.repositories[0]).toMatchObject({ tags: { '1': first, '2': second }, revisions: [first, second] });
    expect(placed.originals('mirror/harbour/quay-crane')).toEqual(['harbour/quay/crane', 'harbour/quay-crane']);
    expect(placed.originals('mirror/unknown')).toEqual([]);
  });

  test('makes one element of everything below a limit of two', () => {
    const placed = placeRepositories(
      repositories,
      {
        registry: 'registry.example.com',
        prefix: 'mirror',
        maxNestedPaths: 2,
      },
      fail,
    );
    expect(placed.repositories.map((one) => one.name)).toEqual(['mirror/harbour-quay-crane', 'mirror/tools']);
  });

  test('says which image keeps a tag that two joined repositories have, and nothing where it is the same image', () => {
    const own = { name: 'harbour/quay-crane', tags: { '1': second, '2': second }, revisions: [second] };
    const same = { name: 'harbour/quay/crane', tags: { '1': first, '2': second }, revisions: [first, second] };
    const said: string[] = [];
    const target = { registry: 'registry.example.com', prefix: '', maxNestedPaths: 2 };
    const { repositories } = placeRepositories([same, own], target, (message) => said.push(message));
    expect(repositories[0]?.tags).toEqual({ '1': second, '2': second });
    expect(said).toEqual([
      'harbour/quay-crane:1 is harbour/quay-crane:1; harbour/quay/crane:1 would be called the same and has no tag',
    ]);
  });
});

test('withNestedPaths refuses at once a limit that leaves no room for any name', () => {
  const target = { registry: 'registry.example.com', prefix: 'mirror' };
  expect(withNestedPaths(target, 2)).toEqual({ ...target, maxNestedPaths: 2 });
  expect(() => withNestedPaths(target, 1)).toThrow(expect.objectContaining({ code: 'NESTED_PATHS_INVALID' }));
});
