import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { unzstd, unzstdWithoutNode } from '../../src/mirror/layer/decompress.ts';
import { seededRandom } from '../helpers/random.ts';
import { describeReal } from '../helpers/real.ts';
import { collectFrom, createMemorySource, tarOf } from './memory-source.ts';

/** `zstd -19` of `plain`. */
const packed = Buffer.from(
  'KLUv/aQA6AEAvQMA8kUUF5DNAVLsZpGAo5TIY3fHAvQTkOW8BpUBB1TIrb+oIEvaKCA37+EnX14dVFAldpYhlffa2HQZ3DKKYyUrESMzkbx2Bg2NR9p0CW79JVjzMO0bDACEub8IEzhTeZEcZeBHgt8gGYBLt1ODl0EBsvdyABAbCsajGH+V',
  'base64',
);
const plain = tarOf({ 'configs/crane/catalog.json': '{"schema":"harbour.note","name":"crane"}\n'.repeat(3000) });
const skippable = Buffer.from('502a4d180400000061626364', 'hex');

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function unpack(bytes: Buffer, size: number, with_: typeof unzstd = unzstdWithoutNode): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of with_(inChunks(bytes, size))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('unzstd', () => {
  test.each([1, 7, 64, 1 << 20])('gives what was packed, in chunks of %i bytes', async (size) => {
    expect((await unpack(packed, size)).equals(plain)).toBe(true);
    expect((await unpack(packed, size, unzstd)).equals(plain)).toBe(true);
  });

  test('reads frame after frame and skips those that are to be skipped', async () => {
    const bytes = Buffer.concat([skippable, packed, skippable, packed, skippable]);
    expect((await unpack(bytes, 1000)).equals(Buffer.concat([plain, plain]))).toBe(true);
  });

  test.each([
    ['cut off', packed.subarray(0, 90)],
    ['of another kind', Buffer.from('no frame at all, but long enough to be one')],
  ])('refuses content that is %s', async (_, bytes) => {
    await expect(unpack(bytes, 64)).rejects.toThrow();
  });

  test('a catalog layer may be packed with it', async () => {
    const memory = createMemorySource();
    const labels = { 'operators.operatorframework.io.index.configs.v1': '/configs' };
    memory.tag('harbour/index:v1', memory.putImage({ layers: [packed], config: { Labels: labels } }));
    const set = await collectFrom(memory, { operators: [{ catalog: 'registry.example.com/harbour/index:v1' }] });
    // It is read to its end: what is missing is a package.
    expect(set.missing).toMatchObject([{ code: 'CATALOG_EMPTY' }]);
  });
});

describeReal('unzstd beside the real one', ['zstd'], () => {
  test.each([['-1'], ['-3'], ['-19'], ['--long=27', '-3'], ['--no-content-size', '-3'], ['--format=zstd', '--fast=5']])(
    'gives what zstd %s packed',
    async (...options) => {
      const random = seededRandom(7);
      const words = Array.from({ length: 300_000 }, () => `crane ${Math.floor(random() ** 3 * 5000)} `);
      const content = Buffer.from(words.join(''));
      const bytes = execFileSync('zstd', [...options, '-c', '-q'], { input: content, maxBuffer: 1 << 26 });
      const hash = (buffer: Buffer) => createHash('sha256').update(buffer).digest('hex');
      expect(hash(await unpack(bytes, 1 << 20))).toBe(hash(content));
    },
  );
});
