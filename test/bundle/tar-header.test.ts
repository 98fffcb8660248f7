import { Header } from 'tar';
import { describe, expect, test } from 'vitest';
import { createHeaderEncoder, encodeHeader } from '../../src/bundle/tar-header.ts';

const mtime = new Date('2026-11-20T10:00:00Z');
const hex = 'ab'.repeat(32);

/** What the tar package makes of the same fields. */
function reference(path: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  new Header({ path, size, mode: 0o644, mtime, uid: 0, gid: 0, uname: '', gname: '', type: 'File' }).encode(block);
  return block;
}

describe('createHeaderEncoder', () => {
  const encode = createHeaderEncoder(mtime);

  test.each([
    'airlock/index.json',
    'a'.repeat(99),
    `${'a'.repeat(40)}/${'b'.repeat(58)}`,
    `${'a'.repeat(40)}/${'b'.repeat(59)}`,
    `docker/registry/v2/repositories/harbour/crane/_layers/sha256/${hex}/link`,
    `docker/registry/v2/repositories/openshift/release-images/_manifests/tags/4.19.10-x86_64/index/sha256/${hex}/link`,
    `${'deep/'.repeat(31)}name`,
    `${'a'.repeat(155)}/${'b'.repeat(100)}`,
  ])('gives the block that the tar package gives for %s', (path) => {
    for (const size of [0, 71, 512, 1 << 30, 0o77777777777])
      expect(encode({ path, size, mode: 0o644 })).toEqual(reference(path, size));
  });

  test.each([
    ['a name that cannot be split', 'c'.repeat(120), 71],
    ['a prefix that is too long', `${'p'.repeat(156)}/name`, 71],
    ['a name that is not ASCII', 'working-dir/prüfung', 71],
    ['a size above 8 GiB', 'airlock/coreos/live.iso', 2 ** 33],
  ])('puts a PAX header before %s', (_name, path, size) => {
    const bytes = encodeHeader({ path, size, mode: 0o644, mtime });
    expect(bytes.length).toBe(1536);
    expect(bytes.toString('latin1', 156, 157)).toBe('x');
    const records = bytes.toString('utf8', 512, 1024).replace(/\0+$/, '');
    expect(records).toContain(size > 1000 ? `size=${size}\n` : `path=${path}\n`);
    expect(records.split('\n')).toHaveLength(2);
  });
});
