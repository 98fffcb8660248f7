import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { packedKinds } from '../../../src/manifests/schema/kinds.generated.ts';
import { knownKinds } from '../../../src/manifests/schema/kinds.ts';
import { packKinds } from '../../../src/manifests/schema/pack.ts';
import { describeShared } from '../../helpers/real.ts';
import { sharedCrds } from '../crds.ts';

/** Only read by Airlock, never written: their schemas are large. */
const leftOut = new Set(['ClusterServiceVersion', 'HostedControlPlane', 'InstallPlan']);

describeShared('the schemas that Airlock carries', 'crds', () => {
  test('are those of the real CRDs', () => {
    const packed = packKinds([...sharedCrds().values()].filter((kind) => !leftOut.has(kind.kind)));
    if (process.env['AIRLOCK_UPDATE_KINDS'] === '1') {
      const file = path.resolve(import.meta.dirname, '../../../src/manifests/schema/kinds.generated.ts');
      const note =
        '// Made by test/manifests/schema/kinds.test.ts with AIRLOCK_UPDATE_KINDS=1; see docs/adr, "Carry compact schemas".\n';
      writeFileSync(file, `${note}export const packedKinds =\n  '${packed}';\n`);
    } else expect(packedKinds === packed).toBe(true);
    expect(packed.length).toBeLessThan(200_000);
  });

  test('are found by version and kind', () => {
    expect(knownKinds().get('hypershift.openshift.io/v1beta1 HostedCluster')?.scope).toBe('Namespaced');
  });
});
