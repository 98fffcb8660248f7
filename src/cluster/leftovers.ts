import type { Run } from '../core/run.ts';
import { type ClusterClient, fieldManager } from './client.ts';
import { fieldAt, listAt } from './fields.ts';
import { type ApplyStage, type ClusterObject, describeRef, refOf } from './types.ts';

/** Kinds of which a cluster has very many: looked for only in the namespaces that the stages name. */
const many: readonly string[] = ['ConfigMap', 'Secret'];

/**
 * Objects of the management cluster that Airlock applied once and that no stage names any more, as `kind namespace/name`, sorted. They are only
 * told: whether something still uses one cannot be seen from here, and a mirror set or a hosted cluster that goes away takes much with it.
 * @throws AirlockError CLUSTER_*
 */
export async function findLeftovers(
  stages: readonly ApplyStage[],
  client: ClusterClient,
  run: Run,
): Promise<readonly string[]> {
  const objects = stages
    .filter(({ cluster }) => cluster === 'management')
    .flatMap((stage) => stage.objects.map(({ object }) => object));
  const named = new Set(objects.map((object) => describeRef(refOf(object))));
  const queries = new Map(
    objects.map(({ apiVersion, kind, metadata: { namespace } }) => {
      const within = many.includes(kind) && namespace !== undefined ? { namespace } : {};
      return [`${apiVersion} ${kind} ${within.namespace ?? ''}`, { apiVersion, kind, ...within }];
    }),
  );
  const left = new Set<string>();
  for (const query of queries.values())
    for (const found of await client.list(query, run)) {
      const name = describeRef(refOf(found));
      if (isApplied(found) && !named.has(name)) left.add(name);
    }
  return [...left].sort();
}

/** Patches of single fields, as `hosted scale` sends, make no object ours. */
function isApplied(object: ClusterObject): boolean {
  return listAt(object, 'metadata.managedFields').some(
    (entry) => fieldAt(entry, 'manager') === fieldManager && fieldAt(entry, 'operation') === 'Apply',
  );
}
