import { describe, expect, test } from 'vitest';
import { parseMirrorReference } from '../../src/config/index.ts';

const digest = `sha256:${'a'.repeat(64)}`;

describe('parseMirrorReference', () => {
  test.each([
    ['nginx:1', { transport: 'docker', domain: '', pathComponent: 'nginx', tag: '1' }],
    [
      'docker://quay.io/a/b:1',
      { transport: 'docker', domain: 'quay.io', pathComponent: 'a/b', name: 'quay.io/a/b', tag: '1' },
    ],
    ['localhost:5000/a:1', { domain: 'localhost:5000', pathComponent: 'a', tag: '1' }],
    [
      `host:5000/a/b@${digest}`,
      { domain: 'host:5000', pathComponent: 'a/b', tag: '', algorithm: 'sha256', digestHex: 'a'.repeat(64) },
    ],
    [`quay.io/a/b:1@${digest}`, { pathComponent: 'a/b', tag: '1', digestHex: 'a'.repeat(64) }],
    ['oci:///srv/index', { transport: 'oci', domain: '', name: '/srv/index', pathComponent: '/srv/index', tag: '' }],
  ])('splits %s as oc-mirror does', (text, parts) => {
    expect(parseMirrorReference(text)).toMatchObject(parts);
  });

  test.each([
    ['', false],
    ['quay.io/a/b', true],
    ['quay.io:5000/a/b', true],
    ['quay.io/a/b@sha256:12', false],
  ])('refuses %j', (text, untagged) => {
    expect(parseMirrorReference(text)).toMatchObject({ fault: expect.any(String), untagged });
  });
});
