import type { SelectedRelease } from '../plan/index.ts';
import { normaliseCertificates } from './certificates.ts';
import type { MirrorMapping } from './mirror-mappings.ts';
import { renderRegistriesConf } from './registries-conf.ts';
import type { Resource } from './resource.ts';
import { type MceVersion, ruleApplies } from './version-rules.ts';

/** The namespace of multicluster engine and, in it, of the assisted service. */
export const engineNamespace = 'multicluster-engine';
/** The ConfigMap that AgentServiceConfig names as mirror registry. */
export const mirrorConfigName = 'custom-registries';
/** The ConfigMap of environment variables that override the assisted service's own. */
export const overrideConfigName = 'assisted-service-config';

/**
 * The mirror rules and the CA for discovery images. The service turns the file into an ImageDigestMirrorSet and cannot read a source that is a
 * bare registry host; such rules stay out of it.
 * @see openshift/assisted-service docs/operator.md, "Mirror Registry Configuration"
 */
export function mirrorRegistryConfig(mappings: readonly MirrorMapping[], caPem: string): Resource {
  const scoped = mappings.filter((rule) => rule.category !== 'catalog' && rule.source.includes('/'));
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: mirrorConfigName, namespace: engineNamespace, labels: { app: 'assisted-service' } },
    data: {
      'ca-bundle.crt': normaliseCertificates(caPem),
      // Every name in the search list counts as a registry without credentials; the service refuses a file that lacks the list.
      'registries.conf': renderRegistriesConf(scoped, {
        unqualifiedSearch: ['registry.access.redhat.com', 'docker.io'],
      }),
    },
  };
}

/** Environment variables for the assisted service; the annotation of AgentServiceConfig that names this map must come with it. */
export function overrideConfig(variables: Readonly<Record<string, string>>): Resource {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: overrideConfigName, namespace: engineNamespace },
    data: { ...variables },
  };
}

/** What AgentServiceConfig is made from. */
export interface AgentServiceOptions {
  readonly releases: readonly SelectedRelease[];
  /** The web server's base, without final slash: `http://host:port`. */
  readonly webUrl: string;
  readonly engineVersion: MceVersion;
  readonly storageClass?: string;
  /** Kubernetes quantities; defaults 10Gi, 100Gi, 50Gi. */
  readonly sizes?: { readonly database?: string; readonly filesystem?: string; readonly images?: string };
  readonly unauthenticatedRegistries?: readonly string[];
  /** Whether `overrideConfig` is there. */
  readonly overrides?: boolean;
  /** A ConfigMap with key `tls.crt`, for a web server over HTTPS. */
  readonly webCaConfigMap?: string;
}

/** One per cluster, and only under the name `agent`. @see openshift/assisted-service config/crd, AgentServiceConfig v1beta1 */
export function agentServiceConfig(options: AgentServiceOptions): Resource {
  const sizes = { database: '10Gi', filesystem: '100Gi', images: '50Gi', ...options.sizes };
  const claim = (storage: string): Record<string, unknown> => ({
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage } },
    ...(options.storageClass ? { storageClassName: options.storageClass } : {}),
  });
  return {
    apiVersion: 'agent-install.openshift.io/v1beta1',
    kind: 'AgentServiceConfig',
    metadata: {
      name: 'agent',
      ...(options.overrides
        ? {
            annotations: {
              'unsupported.agent-install.openshift.io/assisted-service-configmap': overrideConfigName,
            },
          }
        : {}),
    },
    spec: {
      mirrorRegistryRef: { name: mirrorConfigName },
      databaseStorage: claim(sizes.database),
      filesystemStorage: claim(sizes.filesystem),
      imageStorage: claim(sizes.images),
      osImages: osImages(options),
      ...((options.unauthenticatedRegistries ?? []).length > 0
        ? { unauthenticatedRegistries: [...(options.unauthenticatedRegistries ?? [])] }
        : {}),
      ...(options.webCaConfigMap ? { OSImageCACertRef: { name: options.webCaConfigMap } } : {}),
    },
  };
}

/** One live image as the assisted service lists them. */
export interface OsImage {
  /** `X.Y`; renderers must quote it, or 4.10 becomes 4.1. */
  readonly openshiftVersion: string;
  /** The boot image build, which can be older than the release's own machine-os. */
  readonly version: string;
  readonly cpuArchitecture: string;
  readonly url: string;
  readonly rootFSUrl?: string;
}

/**
 * One entry per minor version and architecture: the list is a set by those two, so of several patch releases the newest boot image stands in
 * it, which installs the older ones as well.
 */
export function osImages(options: Pick<AgentServiceOptions, 'releases' | 'webUrl' | 'engineVersion'>): OsImage[] {
  const newest = new Map<string, OsImage>();
  const ordered = [...options.releases].sort((a, b) => compareNumbers(a.version, b.version));
  for (const release of ordered)
    for (const { build, architecture, artifacts } of release.coreos) {
      if (!artifacts.iso) continue;
      const openshiftVersion = release.version.split('.').slice(0, 2).join('.');
      // The service knows 64-bit Arm by OpenShift's word, not by the stream's.
      const cpuArchitecture = architecture === 'aarch64' ? 'arm64' : architecture;
      const rootfs = ruleApplies('root-fs-url', options.engineVersion) ? artifacts.rootfs : undefined;
      newest.set(`${openshiftVersion} ${cpuArchitecture}`, {
        openshiftVersion,
        version: build,
        cpuArchitecture,
        url: `${options.webUrl}${artifacts.iso.webPath}`,
        ...(rootfs ? { rootFSUrl: `${options.webUrl}${rootfs.webPath}` } : {}),
      });
    }
  return [...newest.entries()].sort(([a], [b]) => compareNumbers(a, b)).map(([, image]) => image);
}

function compareNumbers(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
