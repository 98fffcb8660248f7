import { describe, expect, test } from 'vitest';
import { compareVersions, findLenientVersion, findStrictVersion } from '../../src/config/index.ts';

describe('Versions', () => {
  test.each(['4.19.10', '0.0.0', '4.19.0-rc.1', '4.19.0-ec.0+build.5'])('are strict: %s', (text) => {
    expect(findStrictVersion(text)).toBeDefined();
  });

  test.each(['4.19', 'v4.19.1', '04.1.0', '4.19.1-', '4.19.1 ', 'abc', ''])('are not strict: %j', (text) => {
    expect(findStrictVersion(text)).toBeUndefined();
  });

  test.each(['4', '4.19', 'v1.2.3', '1.2.3-alpha', ' 1.2.3'])('are lenient: %j', (text) => {
    expect(findLenientVersion(text)).toBeDefined();
  });

  test.each(['abc', '-+?', '1.2.3.4', ''])('are not even lenient: %j', (text) => {
    expect(findLenientVersion(text)).toBeUndefined();
  });

  test('stand in the order of semver', () => {
    const order = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.2',
      '1.0.10',
      '1.2.0',
    ];
    const versions = order.flatMap((text) => findStrictVersion(text) ?? []);
    expect(versions).toHaveLength(order.length);
    const sorted = [...versions].reverse().sort(compareVersions);
    expect(sorted).toEqual(versions);
  });
});
