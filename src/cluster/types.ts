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

/** An object before and after; `before` undefined when it is new. */
export interface ObjectPair {
  readonly before: ClusterObject | undefined;
  readonly after: ClusterObject;
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
  | { readonly kind: 'nodesReady' }
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
  /** The API servers of the cluster run with the range. */
  | { readonly kind: 'nodePortRange'; readonly range: string }
  /** The control plane runs the release that it is asked for; a cluster that never came to its end is being installed, and is let through. */
  | { readonly kind: 'releaseRolledOut'; readonly object: ObjectRef }
  /** So many Agents with the labels are approved and pass their validations. */
  | ({ readonly kind: 'agentsReady' } & AgentCount)
  | ({ readonly kind: 'agentsBound' } & AgentCount);

interface AgentCount {
  readonly namespace: string;
  readonly count: number;
  /** Of the Agents; several hosted clusters may share the namespace. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * How an object is written. `patch`: only our fields of an object that others own; `merge`: with what lies in the cluster; `create`: only
 * where it is missing; `optional`: only where the cluster serves the kind; `existing`: our fields of an object that is there, whoever wrote
 * them, as `oc patch` does.
 */
export type ApplyMode = 'apply' | 'patch' | 'merge' | 'create' | 'optional' | 'existing';

/** One object of a stage. */
export interface StageObject {
  readonly object: ClusterObject;
  readonly mode: ApplyMode;
  /** Further fields that an object needs when nobody made it yet; what is there keeps its own. */
  readonly whenMissing?: Readonly<Record<string, unknown>>;
}

/** Where a stage is applied: the management cluster, or a hosted cluster through its own kubeconfig. */
export type ClusterName = 'management' | { readonly namespace: string; readonly hosted: string };

/** Objects that are applied together, and what to wait for afterwards. */
export interface ApplyStage {
  readonly name: string;
  readonly title: string;
  readonly cluster: ClusterName;
  readonly objects: readonly StageObject[];
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
