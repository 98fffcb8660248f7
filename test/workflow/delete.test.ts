import { describe, expect, test } from 'vitest';
import { harbour, putImage } from '../helpers/scripted-mirror.ts';

describe('a deletion after mirror to mirror', () => {
  const names = ['harbour/crane:1', 'harbour/crane:2', 'harbour/deep/buoy:1'];

  test('knows what the runs brought, also what later ones no longer select', async () => {
    const { target, ...site } = await harbour(names);
    expect((await site.mirror(names)).state).toBe('complete');
    await site.mirror(['harbour/crane:2']);
    const result = await site.delete(['harbour/crane:1', 'harbour/deep/buoy:1']);
    expect(result).toMatchObject({ failed: [], gone: [], shared: [] });
    expect(result.deleted).toHaveLength(2);
    const left = [...target.manifests].flatMap(([name, tags]) => [...tags.keys()].map((tag) => `${name}:${tag}`));
    expect(left.filter((one) => !one.includes('sha256:'))).toEqual(['site/harbour/crane:2']);
    expect(await site.delete(['harbour/crane:1', 'harbour/deep/buoy:1'])).toMatchObject({ deleted: [], failed: [] });
  });

  test('finds nested names at the target', async () => {
    const { target, ...site } = await harbour(names);
    await site.mirror(names, 2);
    expect((await site.delete(['harbour/deep/buoy:1'], 2)).deleted).toEqual([
      `${target.host}/site/harbour-deep-buoy:1`,
    ]);
  });

  test('of what was never mirrored selects nothing', async () => {
    const { target: _, source, ...site } = await harbour(names);
    await site.mirror(names);
    putImage(source, 'harbour/ferry', '1');
    await expect(site.delete(['harbour/ferry:1'])).rejects.toMatchObject({ code: 'NOTHING_SELECTED' });
  });

  test('without any record of the target is refused with the next step', async () => {
    const { target: _, ...site } = await harbour(names);
    await expect(site.delete(['harbour/crane:1'])).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('--bundle'),
    });
  });
});
