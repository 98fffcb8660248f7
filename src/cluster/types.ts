/** Any Kubernetes object as it is sent and received. */
export interface ClusterObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
    readonly generation?: number;
  };
  readonly [field: string]: unknown;
}

/** Names one object of a cluster. */
export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** What has to be true after a stage before the next one starts. */
export type Gate =
  | { readonly kind: 'machineConfigPools' }
  | { readonly kind: 'defaultCatalogsGone' }
  | { readonly kind: 'catalogReady'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'packageServed'; readonly name: string; readonly catalog: string }
  | { readonly kind: 'subscriptionInstalled'; readonly namespace: string; readonly name: string }
  /** A field of an object, by path, has a value. */
  | { readonly kind: 'field'; readonly object: ObjectRef; readonly path: string; readonly value: string }
  /** Condition type → wanted status. */
  | {
      readonly kind: 'conditions';
      readonly object: ObjectRef;
      readonly wanted: Readonly<Record<string, 'True' | 'False'>>;
    }
  | { readonly kind: 'exists'; readonly object: ObjectRef }
  | { readonly kind: 'agentsBound'; readonly namespace: string; readonly count: number };

/**
 * How an object is written. `patch`: only our fields of an object that others own; `merge`: with what lies in the cluster; `create`: only
 * where it is missing.
 */
export type ApplyMode = 'apply' | 'patch' | 'merge' | 'create';

/** Where a stage is applied: the management cluster, or a hosted cluster through its own kubeconfig. */
export type ClusterName = 'management' | { readonly namespace: string; readonly hosted: string };

/** Objects that are applied together, and what to wait for afterwards. */
export interface ApplyStage {
  readonly name: string;
  readonly title: string;
  readonly cluster: ClusterName;
  readonly objects: readonly { readonly object: ClusterObject; readonly mode: ApplyMode }[];
  readonly gates: readonly Gate[];
  readonly timeoutSeconds: number;
}

/** `kind namespace/name`, for messages. */
export function describeRef(ref: Omit<ObjectRef, 'apiVersion'>): string {
  return `${ref.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}`;
}

/** The reference of an object. */
export function refOf(object: ClusterObject): ObjectRef {
  const { name, namespace } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, name, ...(namespace === undefined ? {} : { namespace }) };
}
