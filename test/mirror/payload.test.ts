import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { readImageFiles } from '../../src/mirror/layer/read-files.ts';
import { tarEnd, tarHeader, tarPadding } from '../../src/mirror/layer/tar-writer.ts';
import { parsePayload, payloadFiles } from '../../src/mirror/release/payload.ts';
import type { Digest } from '../../src/oci/index.ts';
import { openKeptBlobs } from '../../src/plan/index.ts';
import { describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** A layer of files; gzipped unless `plain`. */
function layer(files: Record<string, string>, plain = false): Buffer {
  const tar = Buffer.concat([
    ...Object.entries(files).flatMap(([name, text]) => [
      tarHeader({ path: name, kind: 'file', sizeBytes: Buffer.byteLength(text), mode: 0o644 }),
      Buffer.from(text),
      tarPadding(Buffer.byteLength(text)),
    ]),
    tarEnd,
  ]);
  return plain ? tar : gzipSync(tar);
}

/** Reads `names` of an image of these layers, lowest first; says which layers were looked at. */
async function readFrom(layers: readonly Buffer[], names: readonly string[]) {
  const kept = openKeptBlobs(await temporaryFolder());
  const run = quietRun();
  const digests: Digest[] = [];
  for (const one of layers) digests.push(await kept.put(one, run));
  const looked: number[] = [];
  const keep = async (digest: Digest) => {
    looked.push(digests.indexOf(digest));
  };
  const { files } = await readImageFiles(digests, { names: new Set(names), keep }, kept, run);
  return { files: Object.fromEntries([...files].map(([name, bytes]) => [name, bytes.toString()])), looked };
}

describe('readImageFiles', () => {
  test('reads from the uppermost layer down, and no further than needed', async () => {
    const { files, looked } = await readFrom(
      [layer({ a: 'old' }), layer({ a: 'new', b: 'b' }), layer({ c: 'c' })],
      ['a', 'b'],
    );
    expect(files).toEqual({ a: 'new', b: 'b' });
    expect(looked).toEqual([2, 1]);
  });

  test.each([
    ['a whiteout', { 'm/.wh.a': '' }],
    ['a whiteout of the folder', { '.wh.m': '' }],
    ['an opaque folder', { 'm/.wh..wh..opq': '' }],
  ])('%s hides what lies below', async (_, upper) => {
    const { files } = await readFrom([layer({ 'm/a': 'old' }), layer(upper)], ['m/a']);
    expect(files).toEqual({});
  });

  test('an opaque folder does not hide what its own layer brings', async () => {
    const { files } = await readFrom(
      [layer({ 'm/a': 'old', 'm/b': 'old' }), layer({ 'm/a': 'new', 'm/.wh..wh..opq': '' })],
      ['m/a', 'm/b'],
    );
    expect(files).toEqual({ 'm/a': 'new' });
  });

  test('reads layers without compression', async () => {
    expect((await readFrom([layer({ a: 'plain' }, true)], ['a'])).files).toEqual({ a: 'plain' });
  });

  test('refuses a layer that is cut short', async () => {
    const whole = layer({ a: 'x'.repeat(5000) });
    await expect(readFrom([whole.subarray(0, whole.length - 20)], ['a'])).rejects.toMatchObject({
      code: 'LAYER_INVALID',
    });
  });
});

describe('parsePayload', () => {
  const references = (value: unknown) => new Map([[payloadFiles.references, Buffer.from(JSON.stringify(value))]]);

  test.each<[string, Map<string, Buffer>]>([
    ['nothing', new Map()],
    ['no JSON', new Map([[payloadFiles.references, Buffer.from('kind: ImageStream')]])],
    ['no components', references({ spec: { tags: [] } })],
    ['a component without image', references({ spec: { tags: [{ name: 'cli' }] } })],
  ])('refuses %s', (_, files) => {
    expect(() => parsePayload('quay.io/harbour/release', files)).toThrow(
      expect.objectContaining({ code: 'RELEASE_PAYLOAD_INVALID' }),
    );
  });
});

describeShared('parsePayload on real payloads', 'data/release', (folder) => {
  test.each<[string, number, string]>([
    ['4.12.0-x86_64', 183, '4.12.0'],
    ['4.8.0-0.nightly-2021-05-25', 135, '4.8.0-0.nightly-2021-05-25-072938'],
  ])('%s has its components', (name, count, version) => {
    const read = (file: string) => readFileSync(path.join(folder, name, file));
    const files = new Map([payloadFiles.references, payloadFiles.metadata].map((file) => [file, read(file)]));
    const payload = parsePayload(name, files);
    expect(payload.components).toHaveLength(count);
    expect(payload.components.every((one) => one.reference.includes('@sha256:'))).toBe(true);
    expect(payload.version).toBe(version);
  });
});
