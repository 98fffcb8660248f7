import { AirlockError } from '../core/errors.ts';
import type { Finding } from '../core/findings.ts';
import type { Bundle } from './bundle.ts';
import { volumeName } from './format.ts';

/**
 * Says that archives of real oc-mirror are not a whole set. oc-mirror numbers its tars from 1, so that a number that is left out is a tar that is not
 * here: the images whose names it holds would be lost without a word. And a build that fails leaves tars that open without error; only its last step
 * adds the configuration as `isc_<time>` (reference §4.1).
 */
export function findUnfinished(bundle: Bundle): Finding | undefined {
  if (bundle.kind !== 'foreign') return undefined;
  const fixed = { code: 'BUNDLE_INCOMPLETE', severity: 'error', subject: bundle.folder } as const;
  const missing = missingVolumes(bundle);
  if (missing.length > 0) {
    const last = bundle.volumes.at(-1)?.name ?? '';
    const names = missing.length > 3 ? `${missing.slice(0, 2).join(', ')} … ${missing.at(-1)}` : missing.join(', ');
    return {
      ...fixed,
      message: `${names} ${missing.length === 1 ? 'is' : 'are'} not here, though ${last} is: oc-mirror numbers the volumes of a set from 1`,
      hint: 'copy all mirror_*.tar of the run into one folder and name that folder; where nothing else belongs to it, number them from mirror_000001.tar on',
    };
  }
  if (bundle.index.files.some((file) => file.path.startsWith('isc_'))) return undefined;
  return {
    ...fixed,
    message:
      'no volume holds isc_<time>: the last volume of the set is not here, or these are what a failed run of oc-mirror left',
    hint: 'copy all mirror_*.tar of the run into one folder and name that folder; when that is all there is, run oc-mirror again until it ends with exit code 0',
  };
}

/** Names of volumes whose number is below that of another one. */
function missingVolumes({ volumes }: Bundle): string[] {
  const there = new Set(volumes.map(({ volume }) => volume));
  const numbers = Array.from({ length: Math.min(Math.max(0, ...there), 10_000) }, (_, at) => at + 1);
  return numbers.filter((number) => !there.has(number)).map(volumeName);
}

/** @throws AirlockError BUNDLE_INCOMPLETE for archives that `findUnfinished` speaks of */
export function assertFinished(bundle: Bundle): void {
  const finding = findUnfinished(bundle);
  if (!finding) return;
  throw new AirlockError('BUNDLE_INCOMPLETE', `${finding.subject}: ${finding.message}`, { hint: finding.hint ?? '' });
}
