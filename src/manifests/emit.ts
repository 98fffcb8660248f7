import type { AgentServiceOptions } from './assisted-service.ts';
import { clusterResources, type MirroredContent, type NamedFile } from './cluster-resources.ts';
import { hostFiles } from './host-files.ts';
import {
  assistedServiceStage,
  catalogsStage,
  defaultCatalogsStage,
  mirrorSetsStage,
  pullSecretStage,
  registryTrustStage,
  signaturesStage,
} from './management-stages.ts';
import { mergeDockerConfigs, registryAuth } from './pull-secret.ts';
import type { EmittedFile } from './resource.ts';
import { type ManifestStage, renderStages } from './stages.ts';

/** Everything that `emitSite` works on, as plain values. */
export interface EmitInput {
  /** What the registry holds; `content.target.registry` is its `host:port`. */
  readonly content: MirroredContent;
  /** CA bundle of the registry and of the site's services, PEM. */
  readonly caPem: string;
  readonly credentials: { readonly username: string; readonly password: string };
  /** Further docker config JSON values to merge, parsed. */
  readonly pullSecrets?: readonly unknown[];
  /** Left out: the site has no assisted service. */
  readonly agentService?: Omit<AgentServiceOptions, 'releases' | 'overrides'> & {
    readonly environment?: Readonly<Record<string, string>>;
  };
  /** Zone files and whatever else the DNS server needs, by name; they go to `dns/`. */
  readonly zones: readonly NamedFile[];
}

/**
 * Every file of the site: objects in one folder per stage with a README, zones, host files. Same input, same bytes; sorted by path.
 * @throws AirlockError CATALOG_NAME_INVALID, NESTED_PATHS_INVALID
 */
export function emitSite(input: EmitInput): EmittedFile[] {
  const resources = clusterResources(input.content);
  const { registry } = input.content.target;
  const { username, password } = input.credentials;
  const pullSecret = mergeDockerConfigs(...(input.pullSecrets ?? []), registryAuth(registry, username, password));
  const stages: ManifestStage[] = [
    defaultCatalogsStage(),
    registryTrustStage(registry, input.caPem),
    pullSecretStage(pullSecret),
    mirrorSetsStage(resources),
    signaturesStage(resources),
    catalogsStage(resources),
    ...(input.agentService
      ? [
          assistedServiceStage(resources, input.caPem, {
            releases: input.content.releases,
            ...input.agentService,
          }),
        ]
      : []),
  ];
  return [
    ...renderStages(stages),
    ...hostFiles({ registry, caPem: input.caPem, mappings: resources.mappings, pullSecret }),
    ...input.zones.map(({ name, content }) => ({ path: `dns/${name}`, content, mode: 0o644 })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
}
