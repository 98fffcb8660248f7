import { describe, expect, test } from 'vitest';
import { additionalStorageName, imageStorageName, parseImageName, releaseTag } from '../../src/mirror/naming.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const digestName = `sha256-${'ab'.repeat(32)}`;

describe('imageStorageName', () => {
  test.each([
    ['registry.example.com/acme/widgets:1.0', 'acme/widgets:1.0'],
    [`registry.example.com/acme/widgets@${digest}`, `acme/widgets:${digestName}`],
    [`registry.example.com/acme/widgets:1.0@${digest}`, 'acme/widgets:1.0'],
    ['registry.example.com:5000/acme/widgets:1.0', 'acme/widgets:1.0'],
    [`localhost:5000/a@${digest}`, `a:${digestName}`],
    ['docker://registry.example.com/acme/deep/er:1', 'acme/deep/er:1'],
    ['[2001:db8::1]:5000/acme/widgets:1.0', 'acme/widgets:1.0'],
  ])('%s is stored as %s', (text, expected) => {
    const { repository, tag } = imageStorageName(parseImageName(text));
    expect(`${repository}:${tag}`).toBe(expected);
  });

  test.each(['', 'registry.example.com/acme/widgets', 'registry.example.com/acme/widgets@sha256:12'])(
    '%j is refused',
    (text) => {
      expect(() => parseImageName(text)).toThrow(expect.objectContaining({ code: 'IMAGE_NAME_INVALID' }));
    },
  );
});

describe('additionalStorageName', () => {
  test.each([
    ['registry.example.com/acme/widgets:1.0', {}, 'acme/widgets:1.0'],
    ['registry.example.com/acme/widgets:1.0', { targetRepo: 'renamed/w' }, 'renamed/w:1.0'],
    [`registry.example.com/acme/widgets@${digest}`, { targetTag: 'stable' }, 'acme/widgets:stable'],
    ['oci:///opt/golden/src-oci/app', {}, 'opt/golden/src-oci/app:latest'],
    ['oci:///opt/golden/src-oci/app', { targetRepo: 'fromdisk/app', targetTag: '1' }, 'fromdisk/app:1'],
  ])('%s with %j is stored as %s', (text, target, expected) => {
    const { repository, tag } = additionalStorageName(parseImageName(text), target);
    expect(`${repository}:${tag}`).toBe(expected);
  });
});

describe('releaseTag', () => {
  test('cuts what no registry takes to 127 characters', () => {
    expect(releaseTag('a'.repeat(128))).toHaveLength(128);
    expect(releaseTag('a'.repeat(129))).toHaveLength(127);
  });
});
