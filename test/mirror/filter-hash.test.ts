import { describe, expect, test } from 'vitest';
import type { OperatorCatalog, OperatorPackage } from '../../src/config/index.ts';
import { filterHash } from '../../src/mirror/catalog/filter-hash.ts';
import { parseDigest } from '../../src/oci/index.ts';

const digest = parseDigest(`sha256:${'0123456789abcdef'.repeat(4)}`);
const catalog: OperatorCatalog = {
  catalog: 'registry.example.com/olm/demo-index:v4.19',
  full: false,
  skipDependencies: false,
  platforms: [],
  packages: undefined,
};
const alpha: OperatorPackage = { name: 'alpha-op', channels: [] };

describe('filterHash', () => {
  test.each<[string, Partial<OperatorCatalog>, string]>([
    ['no packages', {}, 'c00a76177373b6ee4f767b45aa8a1f4e'],
    ['a package by name', { packages: [alpha] }, '37cc919a5840313829c36c8520037d5c'],
    [
      'everything',
      {
        packages: [
          {
            ...alpha,
            channels: [{ name: 'stable', minVersion: '1.0.0', maxVersion: '1.2.0' }],
            defaultChannel: 'stable',
          },
          { name: 'beta-op', channels: [], minVersion: '2.0.0' },
        ],
        full: true,
        platforms: [{ os: 'linux', architecture: 'amd64' }],
      },
      '0e361d55e73796748bf9a4f255fa6489',
    ],
  ])("gives Go's value for %s", (_, entry, hash) => {
    expect(filterHash({ ...catalog, ...entry }, digest)).toBe(hash);
  });

  test('leaves out where the catalog goes, and how it was named', () => {
    const other = {
      ...catalog,
      catalog: `registry.example.com/olm/demo-index@${digest}`,
      targetCatalog: 'a/b',
      targetTag: 'c',
    };
    expect(filterHash(other, digest)).toBe(filterHash(catalog, digest));
  });

  test('tells an empty list of packages from none, and one order from another', () => {
    const beta = { ...alpha, name: 'beta-op' };
    const hashes = [undefined, [], [alpha, beta], [beta, alpha]].map((packages) =>
      filterHash({ ...catalog, packages }, digest),
    );
    expect(new Set(hashes).size).toBe(4);
  });

  test("keeps the leading slash of a folder's path", () => {
    expect(
      filterHash(
        {
          ...catalog,
          catalog: 'oci:///opt/golden/src-oci/acme-oci-catalog',
          packages: [{ name: 'lambda-operator', channels: [] }],
        },
        parseDigest('sha256:25ed52934cae8fbe31cd2716a6df000477c3f3583788f01b707c0f449c798993'),
      ),
    ).toBe('3c160a45bbbcf5fcb9075f61a68990d0');
  });
});
