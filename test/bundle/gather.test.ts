import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { gatheredBytes, gatherSmall } from '../../src/bundle/gather.ts';
import { renderIndex } from '../../src/bundle/index-text.ts';
import { layoutVolumes } from '../../src/bundle/layout.ts';
import { volumeSegments } from '../../src/bundle/segments.ts';
import { nodeDisk } from '../../src/core/disk.ts';
import { quietRun } from '../../src/core/run.ts';
import { digestHex, digestOf } from '../../src/oci/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { buildSample, openOne } from './build-sample.ts';
import { makeSample, sampleSources, seededBytes } from './sample.ts';

const smallLayers = Array.from({ length: 40 }, (_, at) => [`pebble ${at}`, 700 + at] as const);
const sample = makeSample({
  images: [
    { repository: 'shore/pebbles', tag: 'v1', layers: smallLayers },
    {
      repository: 'shore/rocks',
      tag: 'v1',
      layers: [
        ['stone', 100_000],
        ['rock', 131_072],
        ['boulder', 131_073],
        ['cliff', 2_000_000],
      ],
    },
  ],
  volumeSizeBytes: 400_000,
});

function segmentsOf(of: ReturnType<typeof makeSample>) {
  const index = layoutVolumes(of.plan);
  const bytes = renderIndex(index);
  return volumeSegments(index, { sizeBytes: bytes.length, sha256: digestHex(digestOf(bytes)), signature: '' });
}

describe('gatherSmall', () => {
  test('leaves no byte out and takes none twice, in stretches of small members only', () => {
    const whole = [...segmentsOf(sample)].map((one) => {
      const size = one.kind === 'static' ? one.bytes.length : one.size;
      return `${one.volume} ${one.offset} ${size}`;
    });
    const pieces = [...gatherSmall(segmentsOf(sample))];
    const parts = pieces.flatMap((piece) => (piece.kind === 'gathered' ? [...piece.frames, ...piece.data] : [piece]));
    const found = parts.map((one) => {
      const size = one.kind === 'static' ? one.bytes.length : one.size;
      return `${one.volume} ${one.offset} ${size}`;
    });
    expect(found.sort()).toEqual(whole.sort());
    const stretches = pieces.filter((piece) => piece.kind === 'gathered');
    for (const { data, frames, offset, sizeBytes, volume } of stretches) {
      expect(sizeBytes).toBeLessThanOrEqual(gatheredBytes);
      expect(data.length).toBeLessThanOrEqual(16);
      expect(Math.max(...data.map(({ size }) => size))).toBeLessThanOrEqual(131_072);
      expect(new Set(data.map((one) => one.volume))).toEqual(new Set([volume]));
      const inside = [...frames.map(({ bytes }) => bytes.length), ...data.map(({ size }) => size)];
      expect(inside.reduce((sum, size) => sum + size, 0)).toBe(sizeBytes);
      expect(Math.min(...[...frames, ...data].map((one) => one.offset))).toBe(offset);
    }
    expect(stretches.flatMap(({ data }) => data).length).toBeGreaterThan(40);
    expect(pieces.filter((piece) => piece.kind === 'data' && piece.content.kind === 'blob')).toHaveLength(2);
  });
});

describe('a build of small members', () => {
  const pebble = digestOf(seededBytes('pebble 7', 707));

  async function undisturbed(): Promise<string[]> {
    const folder = await temporaryFolder();
    await buildSample(sample, folder);
    return volumesOf(folder);
  }

  async function volumesOf(folder: string): Promise<string[]> {
    const { volumes } = await openOne(path.join(folder, 'gen-000001'));
    return Promise.all(volumes.map(async (volume) => digestOf(await readFile(volume.path))));
  }

  test('writes less often than it has members', async () => {
    let writes = 0;
    const disk = {
      ...nodeDisk,
      async open(...args: Parameters<typeof nodeDisk.open>) {
        const file = await nodeDisk.open(...args);
        const write = file.write.bind(file);
        if (/\.tar$/.test(args[0]))
          file.write = async (bytes, at) => {
            writes += 1;
            await write(bytes, at);
          };
        return file;
      },
    };
    await buildSample(sample, await temporaryFolder(), {}, { ...quietRun(), disk });
    // Index, frames and end of each volume beside them.
    expect(writes).toBeLessThan(sample.plan.blobs.length);
  });

  test.each([
    ['that its source does not give', () => Promise.reject(new Error('away'))],
    ['that is too short', (bytes: Buffer) => Promise.resolve(bytes.subarray(1))],
    ['that is too long', (bytes: Buffer) => Promise.resolve(Buffer.concat([bytes, Buffer.alloc(1)]))],
    ['that is another', (bytes: Buffer) => Promise.resolve(Buffer.alloc(bytes.length))],
  ])(
    'goes on without one %s, and the next run brings only that',
    async (_, spoil: (bytes: Buffer) => Promise<Buffer>) => {
      const folder = await temporaryFolder();
      const good = sampleSources(sample);
      const outcome = await buildSample(sample, folder, {
        sources: {
          ...good,
          pourBlob: async (blob, sink, run) => {
            const content = sample.blobs.get(blob.digest) ?? Buffer.alloc(0);
            const bytes = blob.digest === pebble ? await spoil(content) : content;
            if (run.signal.aborted) return;
            for (let at = 0; at < bytes.length; ) {
              const room = sink.room();
              const count = Math.min(room.length, bytes.length - at);
              room.set(bytes.subarray(at, at + count));
              at += count;
              await sink.took(count);
            }
          },
        },
      });
      expect(outcome).toMatchObject({ kind: 'incomplete', missing: [{ name: pebble }] });
      const asked = new Set<string>();
      const again = await buildSample(sample, folder, {
        sources: sampleSources(sample, { onPiece: (name) => void asked.add(name) }),
      });
      expect(again.kind).toBe('sealed');
      expect([...asked]).toEqual([pebble]);
      expect(await volumesOf(folder)).toEqual(await undisturbed());
    },
  );

  test('of which none could be had is whole after the next run', async () => {
    const folder = await temporaryFolder();
    const sources = { ...sampleSources(sample), openBlob: () => Promise.reject(new Error('away')) };
    expect((await buildSample(sample, folder, { sources })).kind).toBe('incomplete');
    expect((await buildSample(sample, folder)).kind).toBe('sealed');
    expect(await volumesOf(folder)).toEqual(await undisturbed());
  });
});
