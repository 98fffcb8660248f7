import { type Provenance, provenanceAnnotations } from './mirror-sets.ts';
import type { Resource } from './resource.ts';
import { type MirrorTarget, targetReference } from './target.ts';

/**
 * The UpdateService over the mirrored releases and graph image. Both repositories carry the names they really have at the target, also with
 * nested paths (oc-mirror writes the names without).
 * @throws AirlockError NESTED_PATHS_INVALID
 */
export function updateService(
  repositories: { readonly releases: string; readonly graph: string; readonly graphTag: string },
  target: MirrorTarget,
  provenance: Provenance,
): Resource {
  return {
    apiVersion: 'updateservice.operator.openshift.io/v1',
    kind: 'UpdateService',
    metadata: {
      name: 'update-service-oc-mirror',
      namespace: 'openshift-update-service',
      annotations: provenanceAnnotations(provenance),
    },
    spec: {
      graphDataImage: `${targetReference(repositories.graph, target)}:${repositories.graphTag}`,
      releases: targetReference(repositories.releases, target),
      replicas: 2,
    },
  };
}
