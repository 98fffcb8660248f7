import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeReal, describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { goldenFile } from './expected.ts';
import { type GoldenSource, startGoldenSource } from './golden-source.ts';
import { planCase } from './run-case.ts';

describeReal('plan', ['docker-registry', 'python3'], () => {
  describeShared('golden cases', 'golden/cases', () => {
    let source: GoldenSource;
    beforeAll(async () => {
      source = await startGoldenSource();
    });
    afterAll(() => source?.close());

    test('11a-dryrun: the plan names every image of mapping.txt with its name in the archive, and what each package adds', async () => {
      const name = '11a-dryrun';
      const folder = path.join(await temporaryFolder(), 'work');
      const result = await planCase(name, folder, { env: source.env, chartsUrl: source.chartsUrl });
      const images = result.plan.images.map((image) => `${image.repository}:${image.tag}`);
      const digests = new Map(result.plan.images.map((image) => [`${image.repository}:${image.tag}`, image.digest]));
      const file = goldenFile(name, '1-m2d-dry-empty', 'files/out/working-dir/dry-run/mapping.txt') ?? '';
      const rows = [...readFileSync(file, 'utf8').matchAll(/^docker:\/\/(.*)=docker:\/\/localhost:55000\/(.*)$/gm)];
      expect(rows).toHaveLength(26);
      for (const [, origin = '', placed = ''] of rows) {
        expect(images).toContain(placed);
        const digest = /@(sha256:[0-9a-f]{64})$/.exec(origin)?.[1];
        if (digest) expect(digests.get(placed), placed).toBe(digest);
      }
      expect(result.plan.totals.assumed).toEqual({ images: 0, blobs: 0, bytes: 0 });
      expect(result.plan.totals.carried).toEqual(result.plan.totals.selected);
      const { packages, others } = result.explanation;
      expect(packages.map((one) => one.name)).toEqual(['eta-operator', 'zeta-operator']);
      for (const bundle of packages.flatMap((one) => one.channels.flatMap((channel) => channel.bundles))) {
        expect(bundle.reason, bundle.name).not.toBe('');
        expect(bundle.addedBytes, bundle.name).toBeGreaterThan(0);
      }
      const added = [...packages, ...others].reduce((sum, one) => sum + one.addedBytes, 0);
      expect(added).toBe(result.plan.blobs.reduce((sum, blob) => sum + blob.size, 0));
    });
  });
});
