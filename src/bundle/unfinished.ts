import { AirlockError } from '../core/errors.ts';
import type { Finding } from '../core/findings.ts';
import type { Bundle } from './bundle.ts';

const hint = 'run oc-mirror again until it ends with exit code 0, and copy all its mirror_*.tar into one folder';

/**
 * Says that archives of real oc-mirror are not a whole set: a build that fails leaves tars that open without error, and only its last step adds
 * the configuration as `isc_<time>` (reference §4.1).
 */
export function findUnfinished(bundle: Bundle): Finding | undefined {
  if (bundle.kind !== 'foreign' || bundle.index.files.some((file) => file.path.startsWith('isc_'))) return undefined;
  const message =
    'no volume holds isc_<time>: these are what a failed run of oc-mirror left, or a volume of the set is not here';
  return { code: 'BUNDLE_INCOMPLETE', severity: 'error', subject: bundle.folder, message, hint };
}

/** @throws AirlockError BUNDLE_INCOMPLETE for archives that `findUnfinished` speaks of */
export function assertFinished(bundle: Bundle): void {
  const finding = findUnfinished(bundle);
  if (finding) throw new AirlockError('BUNDLE_INCOMPLETE', `${finding.subject}: ${finding.message}`, { hint });
}
