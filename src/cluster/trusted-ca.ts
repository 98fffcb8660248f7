import type { Run } from '../core/run.ts';
import type { ClusterClient } from './client.ts';
import { fieldAt } from './fields.ts';
import { type ApplyStage, type ClusterObject, refOf } from './types.ts';

/** Objects of which a cluster has one, and the field in which they name a ConfigMap with CAs. */
const namesCa: Readonly<Record<string, string>> = { Image: 'additionalTrustedCA', Proxy: 'trustedCA' };

/**
 * A stage whose CA ConfigMap has the name that `Image/cluster` or `Proxy/cluster` names already. The object names one ConfigMap only, and whoever
 * made it relies on its other certificates: ours are merged into that one, and the name stays. Unchanged when nothing is named yet.
 * @throws AirlockError CLUSTER_*
 */
export async function followTrustedCa(stage: ApplyStage, client: ClusterClient, run: Run): Promise<ApplyStage> {
  const naming = stage.objects.find(({ object }) => caNameOf(object) !== undefined)?.object;
  if (!naming) return stage;
  const ours = caNameOf(naming);
  const theirs = caNameOf(await client.find(refOf(naming), run));
  if (theirs === undefined || theirs === '' || theirs === ours) return stage;
  return {
    ...stage,
    objects: stage.objects.map((one) => {
      const { object } = one;
      if (object === naming) return { ...one, object: withCaName(naming, theirs) };
      const isOurs = object.kind === 'ConfigMap' && object.metadata.name === ours;
      return isOurs ? { ...one, object: { ...object, metadata: { ...object.metadata, name: theirs } } } : one;
    }),
  };
}

function caNameOf(object: ClusterObject | undefined): string | undefined {
  const name = fieldAt(object, `spec.${namesCa[object?.kind ?? '']}.name`);
  return typeof name === 'string' ? name : undefined;
}

function withCaName(object: ClusterObject, name: string): ClusterObject {
  return { ...object, spec: { ...(object['spec'] as object), [namesCa[object.kind] ?? '']: { name } } };
}
