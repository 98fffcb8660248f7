import { AirlockError, errorText, isAirlockError } from '../core/errors.ts';
import { pause } from '../core/retry.ts';
import type { Run } from '../core/run.ts';
import type { ClusterClient } from './client.ts';
import { fieldAt } from './fields.ts';
import { lookAtGate } from './gates.ts';
import type { ApplyStage } from './types.ts';

/** How long is waited, and how often is looked. */
export interface WaitOptions {
  /** The longest time between two looks at a gate, which begins with a quarter of a second; default 5 seconds. */
  readonly pollMs?: number;
  /** How long the machine config operator may take to render a change; default 60 seconds. */
  readonly renderGraceSeconds?: number;
  /** Instead of each stage's own limit. */
  readonly timeoutSeconds?: number;
}

/** What the pools are to have, as one text; '' without pools. */
export async function renderedConfigurations(client: ClusterClient, run: Run): Promise<string> {
  const query = { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfigPool' };
  const pools = await client.list(query, run);
  return pools.map((pool) => `${pool.metadata.name}=${String(fieldAt(pool, 'spec.configuration.name'))}`).join();
}

/**
 * Gives the machine config operator time to see a change: pools are settled until it has rendered one. A change that alters nothing on nodes
 * renders nothing, so this ends after a grace period.
 */
export async function waitForRendering(
  before: string,
  client: ClusterClient,
  options: WaitOptions,
  run: Run,
): Promise<void> {
  const end = Date.now() + (options.renderGraceSeconds ?? 60) * 1000;
  while (Date.now() < end) {
    const now = await renderedConfigurations(client, run).catch((error: unknown) => {
      if (isAirlockError(error, 'CLUSTER_UNREACHABLE')) return before;
      throw error;
    });
    if (now !== before) return;
    await pause(options.pollMs ?? 5000, run);
  }
}

/** Waits until every gate of a stage is open. @throws AirlockError GATE_TIMEOUT, GATE_FAILED, CANCELLED */
export async function waitForGates(
  stage: ApplyStage,
  client: ClusterClient,
  options: WaitOptions,
  run: Run,
): Promise<void> {
  const pollMs = options.pollMs ?? 5000;
  const limitSeconds = options.timeoutSeconds ?? stage.timeoutSeconds;
  const end = Date.now() + limitSeconds * 1000;
  for (const gate of stage.gates) {
    let waitMs = Math.min(250, pollMs);
    for (let last = ''; ; waitMs = Math.min(waitMs * 2, pollMs)) {
      const state = await lookAtGate(gate, client, run).catch((error: unknown) => {
        // The API blinks while nodes roll; that is not yet a no.
        if (isAirlockError(error, 'CLUSTER_UNREACHABLE')) return { open: false as const, why: errorText(error) };
        throw error;
      });
      if (state.open) break;
      if ('failed' in state && state.failed) throw new AirlockError('GATE_FAILED', `stage ${stage.name}: ${state.why}`);
      if (state.why !== last) {
        run.report({ stage: 'apply', subject: stage.name, state: 'active', message: state.why });
        // Where there is no live view, hours may pass here: what it waits for is a line of its own.
        run.report({ stage: 'apply', state: 'log', level: 'info', message: `stage ${stage.name} waits: ${state.why}` });
      }
      last = state.why;
      if (Date.now() >= end)
        throw new AirlockError('GATE_TIMEOUT', `stage ${stage.name} waited ${limitSeconds} seconds: ${state.why}`, {
          hint: 'solve it and run airlock apply again: it continues here',
          details: { stage: stage.name, gate },
        });
      await pause(Math.max(0, Math.min(waitMs, end - Date.now())), run);
    }
  }
}
