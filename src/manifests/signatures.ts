import { type Digest, digestHex } from '../oci/index.ts';
import { type Provenance, provenanceAnnotations } from './mirror-sets.ts';
import type { Resource } from './resource.ts';

/** A GPG signature of a release payload. */
export interface ReleaseSignature {
  /** Of the payload that it signs. */
  readonly digest: Digest;
  readonly base64: string;
}

/**
 * The ConfigMap in which the cluster version operator finds the signatures of mirrored releases; undefined without signatures. A digest
 * stands in it once. Keys count up over the whole map, as oc-mirror's do.
 * @see openshift/library-go pkg/verify/store/configmap
 */
export function signatureConfigMap(
  signatures: readonly ReleaseSignature[],
  provenance: Provenance,
): Resource | undefined {
  const first = new Map<Digest, string>();
  for (const { digest, base64 } of signatures) if (!first.has(digest)) first.set(digest, base64);
  if (first.size === 0) return undefined;
  return {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: {
      name: 'mirrored-release-signatures',
      namespace: 'openshift-config-managed',
      labels: { 'release.openshift.io/verification-signatures': '' },
      annotations: provenanceAnnotations(provenance),
    },
    binaryData: Object.fromEntries(
      [...first].map(([digest, base64], index) => [`sha256-${digestHex(digest)}-${index + 1}`, base64]),
    ),
  };
}
