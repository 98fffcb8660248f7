import { isAirlockError } from '../core/errors.ts';
import { pause } from '../core/retry.ts';
import type { Run } from '../core/run.ts';
import type { ClusterClient } from './client.ts';

/** How long a run bears with an API server that answered before. */
export interface Patience {
  answered: boolean;
  readonly pollMs: number;
  readonly limitMs: number;
}

/** Two minutes, or the time limit of the stages where that is shorter. */
export function newPatience(options: { readonly pollMs?: number; readonly timeoutSeconds?: number }): Patience {
  const { pollMs = 5000, timeoutSeconds = 120 } = options;
  return { answered: false, pollMs, limitMs: Math.min(timeoutSeconds, 120) * 1000 };
}

/**
 * A client that asks again when the API server or one of its webhooks does not answer for a while, as happens while nodes roll and operators
 * start. Only once it has answered: a server that was never there is told at once.
 */
export function patientClient(client: ClusterClient, patience: Patience): ClusterClient {
  const ask = async <T>(run: Run, question: () => Promise<T>): Promise<T> => {
    const end = Date.now() + patience.limitMs;
    for (;;) {
      try {
        const answer = await question();
        patience.answered = true;
        return answer;
      } catch (error) {
        const later = Date.now() + patience.pollMs;
        if (!patience.answered || later > end || !isAirlockError(error, 'CLUSTER_UNREACHABLE')) throw error;
        run.report({ stage: 'apply', state: 'log', level: 'info', message: `asking again: ${error.message}` });
        await pause(patience.pollMs, run);
      }
    }
  };
  return {
    find: (ref, run) => ask(run, () => client.find(ref, run)),
    list: (query, run) => ask(run, () => client.list(query, run)),
    apply: (object, options, run) => ask(run, () => client.apply(object, options, run)),
    mergePatch: (ref, patch, run) => ask(run, () => client.mergePatch(ref, patch, run)),
    remove: (ref, run) => ask(run, () => client.remove(ref, run)),
  };
}
