import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { layoutVolumes } from '../../src/bundle/index.ts';
import { digestFromHex, digestOf } from '../../src/oci/index.ts';
import { assemblePlan } from '../../src/plan/index.ts';
import { describeShared } from '../helpers/real.ts';

const limitBytes = 1 << 30;

/** Blobs of a golden archive with the tar that each lies in. */
function readBlobs(file: string): { tar: string; hex: string; size: number }[] {
  const [, ...rows] = readFileSync(file, 'utf8').trimEnd().split('\n');
  return rows.flatMap((row) => {
    const [tar = '', , name = '', , size = ''] = row.split('\t');
    const hex = /\/blobs\/sha256\/..\/([0-9a-f]{64})\/data$/.exec(name)?.[1];
    return hex ? [{ tar, hex, size: Number(size) }] : [];
  });
}

/** What each volume holds of the blobs when ours cuts them; the bytes themselves do not matter. */
function cut(blobs: readonly { readonly hex: string; readonly size: number }[]): number[][] {
  const digest = digestOf(Buffer.from('manifest'));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const layers = blobs.map(({ hex, size }) => ({ digest: digestFromHex(hex), size, mediaType: 'layer' }));
  const name = { repository: 'acme/bulk', tag: '1' };
  const plan = assemblePlan(
    {
      images: [
        {
          ...name,
          type: 'generic',
          origin: 'registry.example.com/acme/bulk:1',
          source: `registry.example.com/acme/bulk@${digest}`,
          targets: [name],
          digest,
          mediaType,
          absent: [],
          signature: 'unsigned',
          reason: 'additional image',
        },
      ],
      manifests: new Map([[digest, { digest, mediaType, size: 1000, manifests: [], blobs: layers, sources: [] }]]),
      releases: [],
      catalogs: [],
      files: [],
      missing: [],
      notes: [],
    },
    {
      now: new Date(0),
      toolVersion: '1.0.0',
      engine: 'builtin',
      generation: 1,
      carriedBlobs: new Set(),
      carriedFiles: new Set(),
      imageSetDigest: digest,
      volumeSizeBytes: limitBytes,
    },
  );
  const index = layoutVolumes(plan);
  return index.volumes.map((_, at) => index.blobs.filter((blob) => blob.volume === at + 1).map((blob) => blob.size));
}

describeShared('golden case 09-segments', 'golden/cases/09-segments', (folder) => {
  test.each(['1-m2d', '3-m2d-oversized'])('%s: ours cuts the same blobs by the same rule', (step) => {
    const blobs = readBlobs(path.join(folder, step, 'archive.tsv'));
    const tars = new Set(blobs.map((blob) => blob.tar)).size;
    const oversized = blobs.filter((blob) => blob.size > limitBytes);
    const volumes = cut(blobs);
    expect(blobs.length).toBeGreaterThan(5);
    expect(volumes.flat().length).toBe(blobs.length + 1);
    // D42: ours fills the volume before a large blob no further.
    expect(volumes.length).toBeLessThanOrEqual(tars + oversized.length);
    for (const sizes of volumes) {
      // What is larger than a volume lies in one alone; in the real archive too.
      if (sizes.some((size) => size > limitBytes)) expect(sizes).toHaveLength(1);
      else expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(limitBytes);
    }
    for (const { tar } of oversized) expect(blobs.filter((blob) => blob.tar === tar)).toHaveLength(1);
    expect(oversized).toHaveLength(step === '1-m2d' ? 0 : 1);
  });
});
