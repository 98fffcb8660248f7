import type { ImagePolicy } from '../config/index.ts';
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

/** What must stay allowed although it is mirrored: sources of payload and catalog images, and the internal registry. */
const alwaysAllowed = ['image-registry.openshift-image-registry.svc:5000', 'quay.io', 'registry.redhat.io'];

/**
 * The fields of an image configuration (`Image/cluster`, or `configuration.image` of a hosted cluster) for the lists of a site: `registry` is the
 * mirror, which stays allowed. Empty without lists.
 */
export function imagePolicyFields(registry: string, policy: ImagePolicy | undefined): Record<string, unknown> {
  const { allowedRegistries, blockedRegistries, allowedForImport } = policy ?? {};
  const sources = allowedRegistries
    ? { allowedRegistries: [...new Set([registry, ...alwaysAllowed, ...allowedRegistries])].sort() }
    : blockedRegistries && { blockedRegistries: [...new Set(blockedRegistries)].sort() };
  return {
    ...(sources ? { registrySources: sources } : {}),
    ...(allowedForImport
      ? { allowedRegistriesForImport: allowedForImport.map((domainName) => ({ domainName, insecure: false })) }
      : {}),
  };
}

/** `Image/cluster` with the fields that Airlock owns; everything else of the object stays as it is. */
export function imageConfig(registry: string, policy?: ImagePolicy): Resource {
  return {
    apiVersion: 'config.openshift.io/v1',
    kind: 'Image',
    metadata: { name: 'cluster' },
    spec: { additionalTrustedCA: { name: registryConfigName }, ...imagePolicyFields(registry, policy) },
  };
}
