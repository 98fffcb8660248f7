import { rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { load } from '../../src/workflow/load.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { requestOf, stride, undisturbedRun, useLoadKills, withoutPlace } from './load-kills.ts';

const kills = useLoadKills();

describe('kill -9 of a load into storage', () => {
  test.each([
    ['of a whole bundle', 'bundle'],
    ['of a bundle that comes on two media', 'media'],
    ['of an archive of oc-mirror of two segments', 'segments'],
  ] as const)(
    '%s at each of its steps, then a re-run, leaves what an undisturbed load leaves',
    async (_, kind) => {
      const loads = (into: string) =>
        kills.sources(kind).map((one) => requestOf(one, into, { kind: 'storage', folder: path.join(into, 'storage') }));
      const undisturbed = await temporaryFolder();
      const whole = await kills.run({ loads: loads(undisturbed), dieAt: 0 });
      const wanted = await withoutPlace(undisturbed);
      expect(whole?.steps).toBeGreaterThan(50);
      for (let dieAt = 1; dieAt <= (whole?.steps ?? 0); dieAt += stride) {
        const into = await temporaryFolder();
        expect(await kills.run({ loads: loads(into), dieAt }), `step ${dieAt}`).toBeUndefined();
        for (const request of loads(into)) await load(request, undisturbedRun());
        expect(await withoutPlace(into), `killed at step ${dieAt}`).toEqual(wanted);
        await rm(into, { recursive: true });
      }
    },
    900_000,
  );
});
