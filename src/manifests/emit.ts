import type { ManagementCluster, Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { type ClusterResources, clusterResources, type MirroredContent, type NamedFile } from './cluster-resources.ts';
import { finishStages } from './finish-stages.ts';
import { hostFiles } from './host-files.ts';
import { hostedSideStages } from './hosted/hosted-side.ts';
import { completeStage, hostedStages } from './hosted/hosted-stages.ts';
import { ipFailoverStage, machineConfigStage, networkStage, proxyStage } from './management/day2-stages.ts';
import { engineStages, updateServiceStages } from './management/engine-stages.ts';
import {
  assistedServiceStage,
  catalogsStage,
  defaultCatalogsStage,
  mirrorSetsStage,
  pullSecretStage,
  registryTrustStage,
  signaturesStage,
} from './management/mirror-stages.ts';
import { metallbStages } from './metallb.ts';
import { type DockerConfig, mergeDockerConfigs, registryAuth } from './pull-secret.ts';
import type { EmittedFile } from './resource.ts';
import { type ManifestStage, renderStages } from './stages.ts';
import { getText, type SiteTexts } from './texts.ts';

/** Everything that `emitSite` works on, as plain values. */
export interface EmitInput {
  readonly site: Site;
  /** What the registry holds; `content.target.registry` is the site's `registry.reference`. */
  readonly content: MirroredContent;
  /** CA bundle of the registry and of the site's services, PEM. */
  readonly caPem: string;
  /** Of `site.registry.username`. */
  readonly password: string;
  /** The content of `siteTextFiles(site)`. */
  readonly texts: SiteTexts;
  /** Base64 of 32 random bytes per hosted cluster, by its name; made once and kept. */
  readonly etcdKeys: Readonly<Record<string, string>>;
  /** Zone files and whatever else the DNS server needs, by name; they go to `dns/`. */
  readonly zones: readonly NamedFile[];
}

/**
 * The objects of the site in application order. Without a management cluster in the site file: [].
 * @throws AirlockError NESTED_PATHS_INVALID, SITE_CONTENT_MISSING, SITE_TEXT_MISSING, SITE_SECRET_MISSING,
 * BMC_CREDENTIALS_INVALID, NMSTATE_INVALID, MANIFEST_FILE_INVALID
 */
export function siteStages(input: EmitInput): ManifestStage[] {
  const { site, content, texts } = input;
  const resources = clusterResources(content);
  const hub = site.managementCluster;
  const management = hub ? managementStages(hub, resources, input) : mirrorStages(resources, input);
  const hosted = site.hostedClusters.flatMap((cluster) => [
    ...hostedStages({
      site,
      cluster,
      caPem: [input.caPem, ...site.certificates.trustFiles.map((file) => getText(texts, file))].join('\n'),
      pullSecret: sitePullSecret(input),
      texts,
      etcdKey: input.etcdKeys[cluster.name],
      content,
      resources,
    }),
    ...hostedSideStages(cluster, resources, content, texts),
    ...completeStage(cluster),
  ]);
  return finishStages([...management, ...(hub ? hosted : [])]);
}

/**
 * Every file of the site: objects in one folder per stage with a README, zones, host files. Same input, same bytes; sorted by path.
 * @throws AirlockError as `siteStages`
 */
export function emitSite(input: EmitInput): EmittedFile[] {
  const { mappings } = clusterResources(input.content);
  const { registry } = input.content.target;
  return [
    ...renderStages(siteStages(input)),
    ...hostFiles({ registry, caPem: input.caPem, mappings, pullSecret: sitePullSecret(input) }),
    ...input.zones.map(({ name, content }) => ({ path: `dns/${name}`, content, mode: 0o644 })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The pull secret of the site: what the user keeps, and the mirror's own entry. @throws AirlockError PULL_SECRET_FILE_INVALID */
function sitePullSecret({ site, content, password, texts }: EmitInput): DockerConfig {
  const own = registryAuth(content.target.registry, site.registry.username, password);
  if (site.pullSecretFile === undefined) return mergeDockerConfigs(own);
  return mergeDockerConfigs(parsePullSecret(getText(texts, site.pullSecretFile), site.pullSecretFile), own);
}

function parsePullSecret(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message would quote the text, which is a secret.
    throw new AirlockError('PULL_SECRET_FILE_INVALID', `${file} is not JSON`, {
      hint: 'it has to be a docker config with "auths", as downloaded from the vendor',
    });
  }
}

/** What every cluster that pulls from the mirror needs. */
function mirrorStages(resources: ClusterResources, input: EmitInput): ManifestStage[] {
  return [
    registryTrustStage(input.content.target.registry, input.caPem, input.site.managementCluster?.images),
    pullSecretStage(sitePullSecret(input)),
    mirrorSetsStage(resources),
    signaturesStage(resources),
    catalogsStage(resources, input.site.managementCluster?.version),
  ];
}

function managementStages(hub: ManagementCluster, resources: ClusterResources, input: EmitInput): ManifestStage[] {
  const { site, content, texts } = input;
  const hosting = site.hostedClusters.length > 0;
  const loadBalanced = site.hostedClusters.filter((cluster) => cluster.publishing === 'LoadBalancer');
  const agents = hub.agentService;
  const environment = {
    ...agents.environment,
    ...(agents.convergedFlow === undefined ? {} : { ALLOW_CONVERGED_FLOW: String(agents.convergedFlow) }),
  };
  return [
    ...(hub.disableDefaultCatalogs ? [defaultCatalogsStage(hub.version)] : []),
    ...mirrorStages(resources, input),
    proxyStage(site, texts),
    machineConfigStage(hub, site.ntp, texts),
    networkStage(hub),
    ...(hosting ? engineStages(hub, content) : []),
    ...(hosting
      ? [
          assistedServiceStage(resources, input.caPem, {
            releases: content.releases,
            webUrl: `http://${site.web.host}:${site.web.httpPort}`,
            // Without a version nothing is known of old fields: the newest form is written.
            engineVersion: hub.multiclusterEngine.version ?? '99.0',
            sizes: { database: agents.databaseSize, filesystem: agents.filesystemSize, images: agents.imageSize },
            unauthenticatedRegistries: agents.unauthenticatedRegistries,
            environment,
            ...(hub.storageClasses.assisted ? { storageClass: hub.storageClasses.assisted } : {}),
          }),
        ]
      : []),
    ...(hub.updateService ? updateServiceStages(resources, content) : []),
    ...(loadBalanced.length > 0
      ? metallbStages(
          'metallb',
          'hosted-api',
          loadBalanced.flatMap((cluster) => cluster.apiAddresses),
          true,
          content,
          'management',
        )
      : []),
    ipFailoverStage(hub, texts),
  ];
}
