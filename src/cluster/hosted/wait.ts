import { AirlockError } from '../../core/errors.ts';
import { pause } from '../../core/retry.ts';
import type { Run } from '../../core/run.ts';

/** How long a step may take, and how often is looked. */
export interface StepWait {
  /** Default an hour. */
  readonly timeoutSeconds?: number;
  /** The longest time between two looks; default 5 seconds. */
  readonly pollMs?: number;
}

/** Looks until `missing` gives undefined; what it gives is told as what is waited for. @throws AirlockError GATE_TIMEOUT, CANCELLED, and those of `missing` */
export async function waitFor(
  subject: string,
  missing: () => Promise<string | undefined>,
  { timeoutSeconds = 3600, pollMs = 5000 }: StepWait,
  run: Run,
): Promise<void> {
  const end = Date.now() + timeoutSeconds * 1000;
  for (let waitMs = Math.min(250, pollMs); ; waitMs = Math.min(waitMs * 2, pollMs)) {
    const why = await missing();
    if (why === undefined) return;
    run.report({ stage: 'apply', subject, state: 'active', message: why });
    if (Date.now() >= end)
      throw new AirlockError('GATE_TIMEOUT', `${subject} took more than ${timeoutSeconds} seconds: ${why}`, {
        hint: 'look at its conditions and finalizers, then run the same command again: it goes on here',
      });
    await pause(Math.max(0, Math.min(waitMs, end - Date.now())), run);
  }
}
