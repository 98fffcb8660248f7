import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseBootImages, parseStream } from '../../src/mirror/release/coreos-stream.ts';
import { describeShared } from '../helpers/real.ts';

describe('parseBootImages', () => {
  const config = (data: object): string => JSON.stringify({ kind: 'ConfigMap', data });

  test.each([
    ['no YAML', ': :\n -'],
    ['no stream', config({})],
    ['a stream that is no JSON', config({ stream: '{' })],
  ])('refuses %s', (_, text) => {
    expect(() => parseBootImages(text)).toThrow(expect.objectContaining({ code: 'COREOS_STREAM_INVALID' }));
  });

  test('names the formats that a stream lacks, and takes no build that is no folder name', () => {
    const metal = (release: string) => ({
      artifacts: {
        metal: {
          release,
          formats: { iso: { disk: { location: 'https://rhcos.example.com/a.iso', sha256: 'a'.repeat(64) } } },
        },
      },
    });
    expect(parseStream({ architectures: { x86_64: metal('9.6.1'), aarch64: metal('../up') } })).toEqual([
      expect.objectContaining({ build: '9.6.1', architecture: 'x86_64', absent: ['rootfs', 'kernel', 'initramfs'] }),
    ]);
  });
});

describeShared('parseStream on real streams', 'data/rhcos/stream', (folder) => {
  const streams = folder ? readdirSync(folder).filter((name) => !name.startsWith('marketplace')) : ['-'];

  test.each(streams)('%s has ISO, rootfs, kernel and initramfs for every architecture', (name) => {
    const images = parseStream(JSON.parse(readFileSync(path.join(folder, name), 'utf8')));
    const expected = name === 'fcos-4.12.json' ? 3 : 4;
    expect(images).toHaveLength(expected);
    for (const image of images) {
      expect(image.absent).toEqual([]);
      expect(image.artifacts.map((one) => one.role)).toEqual(['iso', 'rootfs', 'kernel', 'initramfs']);
      for (const one of image.artifacts) {
        expect(one.url).toMatch(/^https:\/\//);
        expect(one.url).toContain(image.build);
        expect(one.sha256).toMatch(/^[0-9a-f]{64}$/);
      }
      const [iso, rootfs] = image.artifacts;
      expect(iso?.url).toMatch(/\.iso$/);
      expect(rootfs?.url).toMatch(/rootfs/);
    }
  });

  test('a marketplace stream holds no boot images', () => {
    expect(parseStream(JSON.parse(readFileSync(path.join(folder, 'marketplace-rhcos-4.20.json'), 'utf8')))).toEqual([]);
  });
});

describeShared('parseBootImages on real ConfigMaps', 'data/rhcos/bootimages-configmap', (folder) => {
  const read = (name: string) =>
    parseBootImages(readFileSync(path.join(folder, `${name}-installer-coreos-bootimages.yaml`), 'utf8'));

  test('4.10 has every architecture once, with builds of their own', () => {
    const architectures = read('4.10').images.map((image) => image.architecture);
    expect(architectures.sort()).toEqual(['aarch64', 'ppc64le', 's390x', 'x86_64']);
  });

  test('5.0 has a stream for each RHEL, each build once', () => {
    const { images } = read('5.0');
    const names = images.map((image) => `${image.build} ${image.architecture}`);
    expect(new Set(names).size).toBe(names.length);
  });
});
