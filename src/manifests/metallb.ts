import { findIpFamily } from '../core/ip.ts';
import type { MirroredContent } from './cluster-resources.ts';
import { operatorStage } from './management/engine-stages.ts';
import type { ManifestStage } from './stages.ts';

const namespace = 'metallb-system';

/**
 * MetalLB with one layer 2 pool of single addresses: operator, instance, pool and advertisement. `autoAssign` false: only Services that name
 * the pool get an address of it.
 * @throws AirlockError SITE_CONTENT_MISSING
 */
export function metallbStages(
  stageName: string,
  pool: string,
  addresses: readonly string[],
  autoAssign: boolean,
  content: MirroredContent,
  cluster: ManifestStage['cluster'],
): ManifestStage[] {
  const resource = (kind: string, name: string, spec?: Readonly<Record<string, unknown>>) => ({
    apiVersion: 'metallb.io/v1beta1',
    kind,
    metadata: { name, namespace },
    ...(spec ? { spec } : {}),
  });
  return [
    operatorStage(
      {
        name: 'metallb-operator',
        namespace,
        ownNamespace: false,
        namespaceLabels: { 'openshift.io/cluster-monitoring': 'true' },
      },
      'gives Services of type LoadBalancer an address',
      content,
      cluster,
      `${stageName}-operator`,
    ),
    {
      name: stageName,
      title: 'Serve addresses with MetalLB',
      cluster,
      files: [
        {
          name: '1-metallb.yaml',
          resources: [resource('MetalLB', 'metallb')],
          why: 'starts its controller and speakers',
        },
        {
          name: '2-address-pool.yaml',
          why: `the addresses ${addresses.join(', ')}; keep them out of DHCP`,
          resources: [
            resource('IPAddressPool', pool, {
              autoAssign,
              addresses: addresses.map((address) => `${address}/${findIpFamily(address) === 6 ? 128 : 32}`),
            }),
            resource('L2Advertisement', pool, { ipAddressPools: [pool] }),
          ],
        },
      ],
      gates: [
        {
          kind: 'conditions',
          object: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'controller', namespace },
          wanted: { Available: 'True' },
        },
      ],
      timeoutSeconds: 600,
    },
  ];
}
