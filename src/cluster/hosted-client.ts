import { AirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { ClientFor } from './apply.ts';
import type { ClusterClient } from './client.ts';
import { connectCluster } from './connect.ts';
import { fieldAt } from './fields.ts';

/**
 * Clients by cluster: the management cluster's, and for a hosted cluster one from the kubeconfig Secret that its HostedCluster names.
 * @throws AirlockError (later) CLUSTER_UNREACHABLE while a hosted cluster has no kubeconfig yet
 */
export function createClientFor(management: ClusterClient): ClientFor {
  const hosted = new Map<string, ClusterClient>();
  return async (cluster, run: Run) => {
    if (cluster === 'management') return management;
    const key = `${cluster.namespace}/${cluster.hosted}`;
    const known = hosted.get(key);
    if (known) return known;
    const ref = {
      apiVersion: 'hypershift.openshift.io/v1beta1',
      kind: 'HostedCluster',
      name: cluster.hosted,
      namespace: cluster.namespace,
    };
    const name = fieldAt(await management.find(ref, run), 'status.kubeconfig.name');
    const secret =
      typeof name === 'string'
        ? await management.find({ apiVersion: 'v1', kind: 'Secret', name, namespace: cluster.namespace }, run)
        : undefined;
    const encoded = fieldAt(secret, 'data.kubeconfig');
    if (typeof encoded !== 'string')
      throw new AirlockError('CLUSTER_UNREACHABLE', `hosted cluster ${key} has no kubeconfig yet`, {
        hint: 'wait until its control plane is available, then run airlock apply again',
      });
    const client = await connectCluster({
      text: Buffer.from(encoded, 'base64').toString('utf8'),
      name: `Secret ${cluster.namespace}/${name}`,
    });
    hosted.set(key, client);
    return client;
  };
}
