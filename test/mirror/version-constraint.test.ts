import { describe, expect, test } from 'vitest';
import { findStrictVersion } from '../../src/config/index.ts';
import { findVersionConstraint } from '../../src/mirror/version-constraint.ts';

function fits(version: string, constraint: string): boolean | undefined {
  const parsed = findStrictVersion(version);
  if (!parsed) throw new Error(`${version} is no version`);
  return findVersionConstraint(constraint)?.(parsed);
}

// From the README and the rules of Masterminds' semver.
describe('findVersionConstraint', () => {
  test.each<[string, string, string]>([
    ['>=1.0 <2', '1.0.0 1.9.9', '0.9.9 2.0.0'],
    ['>=1.0,<2', '1.0.0 1.9.9', '0.9.9 2.0.0'],
    ['>= 1.2, < 3.0.0 || >= 4.2.3', '1.2.0 2.9.9 4.2.3 5.0.0', '1.1.9 3.0.0 4.2.2'],
    ['1.2 - 1.4.5', '1.2.0 1.4.5', '1.1.9 1.4.6'],
    ['1.2.3 - 4', '1.2.3 4.9.9', '1.2.2 5.0.0'],
    ['1.2.3', '1.2.3', '1.2.2 1.2.4'],
    ['=1.2.3', '1.2.3', '1.2.4'],
    ['v1.2', '1.2.0 1.2.9', '1.1.9 1.3.0'],
    ['1.2.x', '1.2.0 1.2.9', '1.3.0'],
    ['1', '1.0.0 1.9.9', '0.9.9 2.0.0'],
    ['*', '0.0.1 9.9.9', '1.0.0-rc.1'],
    ['~1.2.3', '1.2.3 1.2.9', '1.2.2 1.3.0'],
    ['~1.2', '1.2.0 1.2.9', '1.3.0'],
    ['~1', '1.0.0 1.9.9', '2.0.0'],
    ['~>1.2.3', '1.2.3 1.2.9', '1.3.0'],
    ['^1.2.3', '1.2.3 1.9.9', '1.2.2 2.0.0'],
    ['^0.2.3', '0.2.3 0.2.9', '0.2.2 0.3.0'],
    ['^0.0.3', '0.0.3', '0.0.4'],
    ['^0.2', '0.2.0 0.2.9', '0.3.0'],
    ['^0.0', '0.0.0 0.0.9', '0.1.0'],
    ['^0', '0.0.0 0.9.9', '1.0.0'],
    ['!=1.2.3', '1.2.2 1.2.4', '1.2.3'],
    ['!=1.2.x', '1.1.0 1.3.0', '1.2.0 1.2.9'],
    ['>11', '12.0.0', '11.0.0 11.9.9'],
    ['>11.1', '11.2.0 12.0.0', '11.1.0 11.1.9'],
    ['>1.2.3', '1.2.4', '1.2.3'],
    ['<=4.16', '4.15.9 4.16.9', '4.17.0'],
    ['=<4', '4.99.9', '5.0.0'],
    ['=>4', '4.0.0', '3.9.9'],
    ['<4.16', '4.15.9', '4.16.0'],
    // A pre-release fits only where the group has one, but then every comparison of it.
    ['>=1.0.0', '1.0.0 1.1.0', '1.1.0-rc.1 1.0.0-rc.1'],
    ['>=1.0.0-rc.1', '1.0.0-rc.1 1.0.0 1.1.0-beta', '1.0.0-beta'],
    ['>=1.0.0-0 <2.0.0', '1.5.0-rc.1 1.0.0 2.0.0-rc.1', '2.0.0'],
    ['>=1.0.0 <2.0.0-0', '1.5.0-rc.1', '2.0.0 2.0.0-0'],
    ['>=1.0.0-0 || >=3', '1.5.0-rc.1', '0.9.0'],
  ])('%s takes %s and not %s', (constraint, inside, outside) => {
    expect(inside.split(' ').filter((version) => !fits(version, constraint))).toEqual([]);
    expect(outside.split(' ').filter((version) => fits(version, constraint))).toEqual([]);
  });

  test.each(['', 'newest', '>', '1.2.3.4', '>=1.0 <', '>= a', '1.0 ||'])('%j is none', (text) => {
    expect(findVersionConstraint(text)).toBeUndefined();
  });
});
