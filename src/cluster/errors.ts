import type { ErrorTable } from '../core/errors.ts';

/** Codes of `cluster`. */
export const clusterErrors: ErrorTable = {
  KUBECONFIG_INVALID: { exit: 'usage', summary: 'A kubeconfig cannot be read or names no cluster.' },
  CLUSTER_UNREACHABLE: { exit: 'environment', summary: 'The API server of a cluster does not answer.' },
  CLUSTER_REFUSED: { exit: 'environment', summary: 'The API server refuses who we are, or what we may do.' },
  CLUSTER_KIND_UNKNOWN: { exit: 'environment', summary: 'The cluster does not serve a kind.' },
  CLUSTER_TARGET_MISSING: {
    exit: 'environment',
    summary: 'The namespace or object that is written to is not in the cluster (any more).',
  },
  OBJECT_INVALID: { exit: 'no', summary: 'The API server refuses an object.' },
  FIELD_CONFLICT: { exit: 'no', summary: 'Fields of an object belong to another manager.' },
  FIELD_IMMUTABLE: {
    exit: 'no',
    summary: 'A field of an object that is there can never change, and the site wants it otherwise.',
  },
  GATE_TIMEOUT: { exit: 'environment', summary: 'What a stage waits for did not become true in time.' },
  GATE_FAILED: { exit: 'environment', summary: 'What a stage waits for failed for good.' },
  APPLY_DECLINED: { exit: 'no', summary: 'The user did not agree to a change.' },
  HOSTED_UNKNOWN: { exit: 'usage', summary: 'There is no hosted cluster or node pool of that name.' },
  HOSTED_REFUSED: { exit: 'no', summary: 'A step on a hosted cluster is not allowed now.' },
  POD_COMMAND_FAILED: { exit: 'environment', summary: 'A command inside a pod failed.' },
  ETCD_BACKUP_DAMAGED: { exit: 'no', summary: 'An etcd backup is not whole, or belongs to another cluster.' },
  STAGE_UNKNOWN: { exit: 'usage', summary: 'There is no stage of that name.' },
};
