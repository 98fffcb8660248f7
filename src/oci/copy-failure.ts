import { errorText, isAirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { CopyCounts, CopyFailure, CopyOptions } from './copy-content.ts';

// When the target itself is out of reach, every other blob would fail the same way, each after all its retries.
const endsAll = ['REGISTRY_UNREACHABLE', 'REGISTRY_CERTIFICATE', 'REGISTRY_UNAUTHORIZED', 'RATE_LIMITED'];

/** Notes a failure and goes on, or throws it where going on is senseless: cancelled, a bug, the target gone, or the caller says so. */
export function handleFailure(failure: CopyFailure, options: CopyOptions, counts: CopyCounts, run: Run): void {
  const { error } = failure;
  if (run.signal.aborted || !isAirlockError(error)) throw error;
  if (error.side !== 'source' && isAirlockError(error, ...endsAll)) throw error;
  counts.failures.push(failure);
  run.report({
    stage: options.stage,
    subject: failure.digest,
    state: 'failed',
    message: `${failure.repository}: ${errorText(error)}`,
  });
  if (options.isFatal?.(failure)) throw error;
}
