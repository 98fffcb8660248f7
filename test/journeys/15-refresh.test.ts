import { readdir, rm } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { airlock, tell } from '../helpers/airlock.ts';
import { useJourney } from '../helpers/journey.ts';
import { freeSitePorts, writeSite } from '../helpers/journey-site.ts';
import { writeImageSet } from '../helpers/journey-source.ts';

const journey = useJourney();
const { at, json } = journey;

beforeAll(async () => {
  await writeImageSet(at('imageset.yaml'), {});
  await writeSite(journey.folder, { addresses: ['127.0.0.1'], mode: 'embedded', ports: await freeSitePorts() });
});

describe('refresh', () => {
  test('builds the next generation on the connected host, and says when there is none', async () => {
    const flags = ['-f', 'site.yaml', ...journey.source.flags, '--dir', 'out'];
    expect(await json(0, 'refresh', ...flags)).toMatchObject({ state: 'complete', generation: 1 });
    expect(await json(0, 'refresh', ...flags)).toMatchObject({ state: 'nothing-new' });
  });

  test('verifies, loads, emits and checks on the bastion; ends with the answer of check', async () => {
    // Nothing serves here: check has to say so, after everything before it was done.
    const result = await json(1, 'refresh', 'out', '-f', 'site.yaml');
    expect(result).toMatchObject({
      verified: { whole: true },
      loaded: { state: 'loaded' },
      checked: { generation: 1 },
    });
    expect((await readdir(at('manifests'))).length).toBeGreaterThan(3);
    const again = await airlock(['refresh', 'out', '-f', 'site.yaml'], journey.options);
    expect(again.exitCode, tell(again)).toBe(1);
    expect(again.stdout).toContain('generation 1: nothing to do, all of it is there');
    // A site that nodes cannot pull from is no news for the cluster.
    expect(again.stdout).toMatch(/the site is NOT ready$/m);
    expect(again.stdout).not.toContain('next:');
  });

  test('loads nothing of a bundle that is not whole', async () => {
    await rm(at('out/gen-000001/mirror_000001.tar'));
    const result = await json(1, 'refresh', 'out', '-f', 'site.yaml');
    expect(result).toMatchObject({ verified: { whole: false } });
    expect(result).not.toHaveProperty('loaded');
  });

  test('asks for one host at a time', async () => {
    const both = await json(2, 'refresh', 'out', '-c', 'imageset.yaml');
    expect(both).toMatchObject({ error: { code: 'USAGE' } });
  });
});
