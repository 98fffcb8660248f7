import type { Run } from '../core/run.ts';
import { frontIndex, frontVolume } from './adopt-index.ts';
import type { Bundle } from './bundle.ts';
import { checkForeign } from './verify-foreign.ts';
import { checkVolumes, type VolumeCheck } from './verify-volumes.ts';

/** Looks at every byte of an adopted archive: its front volume follows from the index; the others have the digest that stands there. */
export async function checkAdopted(bundle: Bundle, run: Run): Promise<VolumeCheck> {
  const isFront = (volume: { readonly volume: number }): boolean => volume.volume === frontVolume;
  const front = bundle.volumes.filter(isFront);
  const own = await checkVolumes(frontIndex(bundle.index), bundle.facts, front, 'verify', run);
  const rest = await checkForeign({ ...bundle, volumes: bundle.volumes.filter((one) => !isFront(one)) }, run);
  return {
    ...own,
    damages: [...own.damages, ...rest.damages],
    checkedBytes: own.checkedBytes + rest.checkedBytes,
  };
}
