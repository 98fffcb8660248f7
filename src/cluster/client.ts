import type { Run } from '../core/run.ts';
import type { ClusterObject, ObjectRef } from './types.ts';

/** How one object is applied. */
export interface ApplyOptions {
  /** Let the server say what would be, and keep nothing. */
  readonly dryRun: boolean;
  /** Take fields that another manager owns. */
  readonly force: boolean;
}

/**
 * The few things that Airlock asks of a cluster. All reject with AirlockError CLUSTER_UNREACHABLE, CLUSTER_REFUSED, CLUSTER_KIND_UNKNOWN,
 * CLUSTER_TARGET_MISSING (writes only), OBJECT_INVALID, FIELD_CONFLICT or CANCELLED.
 */
export interface ClusterClient {
  /** undefined when there is none. */
  find(ref: ObjectRef, run: Run): Promise<ClusterObject | undefined>;
  /** [] when there is none, and when the kind is not served. */
  list(
    query: {
      readonly apiVersion: string;
      readonly kind: string;
      readonly namespace?: string;
      readonly labels?: string;
    },
    run: Run,
  ): Promise<readonly ClusterObject[]>;
  /** Server-side apply with field manager `airlock`; gives the object as it is afterwards. */
  apply(object: ClusterObject, options: ApplyOptions, run: Run): Promise<ClusterObject>;
  /** JSON merge patch of an object that is there. */
  mergePatch(ref: ObjectRef, patch: Readonly<Record<string, unknown>>, run: Run): Promise<ClusterObject>;
  /** Foreground deletion; false when it was gone. */
  remove(ref: ObjectRef, run: Run): Promise<boolean>;
}

/** The name under which the API server keeps our fields. */
export const fieldManager = 'airlock';
