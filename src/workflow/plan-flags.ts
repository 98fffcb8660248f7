import { canonicalJson } from '../core/json.ts';
import { type Digest, digestOf } from '../oci/index.ts';
import type { Plan } from '../plan/index.ts';
import type { PlanRequest } from './requests.ts';

/** The flags of a request that decide what is selected, those that were given. Digests, since a plan is carried and flags hold URLs. */
export function digestFlags({ selection, tools, toolsArchitecture }: PlanRequest): Readonly<Record<string, Digest>> {
  const all = Object.entries({ ...selection, tools, toolsArchitecture });
  const given = all.filter(([, value]) => value !== undefined && value !== false);
  return Object.fromEntries(given.map(([name, value]) => [name, digestOf(canonicalJson(value))]));
}

/** Whether a plan is what the flags of a request ask for. Those that are not given are as when it was planned. */
export function fitsFlags(plan: Plan, request: PlanRequest): boolean {
  return Object.entries(digestFlags(request)).every(([name, digest]) => plan.flags?.[name] === digest);
}
