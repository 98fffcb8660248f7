/**
 * The part of an OpenAPI v3 schema that a CustomResourceDefinition may hold ("structural schema"). CEL rules are not evaluated.
 * @see Kubernetes apiextensions.k8s.io/v1, JSONSchemaProps
 */
export interface StructuralSchema {
  readonly type?: string;
  readonly nullable?: boolean;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: boolean | StructuralSchema;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly allOf?: readonly StructuralSchema[];
  readonly anyOf?: readonly StructuralSchema[];
  readonly oneOf?: readonly StructuralSchema[];
  readonly not?: StructuralSchema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

/** The schema of one served version of a kind. */
export interface KindSchema {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly schema: StructuralSchema;
}

/** The served versions of a CustomResourceDefinition read from YAML; [] when the value is none. */
export function readCrd(value: unknown): KindSchema[] {
  const crd = value as {
    kind?: string;
    spec?: {
      group?: string;
      scope?: string;
      names?: { kind?: string };
      versions?: readonly { name: string; served?: boolean; schema?: { openAPIV3Schema?: StructuralSchema } }[];
    };
  } | null;
  const { group, scope, names, versions } = crd?.spec ?? {};
  if (crd?.kind !== 'CustomResourceDefinition' || !group || !names?.kind) return [];
  const kind = names.kind;
  return (versions ?? [])
    .filter((version) => version.served !== false)
    .map((version) => ({
      group,
      version: version.name,
      kind,
      scope: scope === 'Cluster' ? 'Cluster' : 'Namespaced',
      schema: version.schema?.openAPIV3Schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    }));
}
