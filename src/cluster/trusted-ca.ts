import type { Run } from '../core/run.ts';
import type { ClusterClient } from './client.ts';
import { fieldAt } from './fields.ts';
import { type ApplyStage, type ClusterObject, refOf } from './types.ts';

const field = 'spec.additionalTrustedCA';

/**
 * A stage whose CA ConfigMap has the name that `Image/cluster` names already. The object names one ConfigMap only, and whoever made it relies on
 * its other certificates: ours are merged into that one, and the name stays. Unchanged when nothing is named yet.
 * @throws AirlockError CLUSTER_*
 */
export async function followTrustedCa(stage: ApplyStage, client: ClusterClient, run: Run): Promise<ApplyStage> {
  const image = stage.objects.find(({ object }) => object.kind === 'Image' && fieldAt(object, field))?.object;
  if (!image) return stage;
  const ours = fieldAt(image, `${field}.name`);
  const theirs = fieldAt(await client.find(refOf(image), run), `${field}.name`);
  if (typeof theirs !== 'string' || theirs === '' || theirs === ours) return stage;
  return {
    ...stage,
    objects: stage.objects.map(({ object, mode }) => {
      if (object === image) return { object: withTrustedCa(image, theirs), mode };
      const isOurs = object.kind === 'ConfigMap' && object.metadata.name === ours;
      return isOurs
        ? { object: { ...object, metadata: { ...object.metadata, name: theirs } }, mode }
        : { object, mode };
    }),
  };
}

function withTrustedCa(image: ClusterObject, name: string): ClusterObject {
  return { ...image, spec: { ...(image['spec'] as object), additionalTrustedCA: { name } } };
}
