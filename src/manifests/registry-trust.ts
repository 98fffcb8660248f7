import { normaliseCertificates } from './certificates.ts';
import type { Resource } from './resource.ts';

/** The name of the ConfigMap that `Image/cluster` points at. */
export const registryConfigName = 'registry-config';

/** The key under which a ConfigMap holds the CA of a registry: `host..port`, since keys take no colon. */
export function registryConfigKey(registry: string): string {
  return registry.replace(/:(\d+)$/, '..$1');
}

/**
 * The CA of the mirror registry for nodes, image imports, the HyperShift operator and the update service (which reads a key of its own).
 * @see OpenShift, "Configuring additional trust stores for image registry access"
 */
export function registryConfig(registry: string, caPem: string): Resource {
  const ca = normaliseCertificates(caPem);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: registryConfigName, namespace: 'openshift-config' },
    data: { [registryConfigKey(registry)]: ca, 'updateservice-registry': ca },
  };
}

/** Which registries nodes may pull from; see `imageConfig`. At most one of the two. */
export interface RegistrySources {
  readonly allowed?: readonly string[];
  readonly blocked?: readonly string[];
}

/** What must stay allowed on every cluster, mirrored or not: sources of payload images and the internal registry. */
const alwaysAllowed = ['quay.io', 'registry.redhat.io', 'image-registry.openshift-image-registry.svc:5000'];

/** `Image/cluster` with the fields that Airlock owns; everything else of the object stays as it is. */
export function imageConfig(registry: string, sources: RegistrySources = {}): Resource {
  const allowed = sources.allowed ? [...new Set([registry, ...alwaysAllowed, ...sources.allowed])].sort() : undefined;
  const registrySources = allowed
    ? { allowedRegistries: allowed }
    : sources.blocked
      ? { blockedRegistries: [...new Set(sources.blocked)].sort() }
      : undefined;
  return {
    apiVersion: 'config.openshift.io/v1',
    kind: 'Image',
    metadata: { name: 'cluster' },
    spec: {
      additionalTrustedCA: { name: registryConfigName },
      ...(registrySources ? { registrySources } : {}),
    },
  };
}
