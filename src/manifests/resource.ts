import { renderYaml } from '../core/yaml.ts';

/** Any Kubernetes object. `metadata` is what Airlock sets; everything else is the kind's own. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ResourceMetadata;
  readonly [field: string]: unknown;
}

export interface ResourceMetadata {
  readonly name: string;
  /** Left out for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A file to write. `mode` 0o600 marks what holds a secret. */
export interface EmittedFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/** `apiVersion/kind namespace/name`, for messages. */
export function describeResource(resource: Resource): string {
  const { name, namespace } = resource.metadata;
  return `${resource.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** One YAML document with sorted keys, as the Kubernetes tools write. */
export function renderResource(resource: Resource): string {
  return renderYaml(resource, { sortKeys: true });
}

/** A YAML stream, each document preceded by `---`. */
export function renderResources(resources: readonly Resource[]): string {
  return resources.map((resource) => `---\n${renderResource(resource)}`).join('');
}
