import { describe, expect, test } from 'vitest';
import {
  checkUpgrade,
  hostedStatus,
  pauseHosted,
  planDeletion,
  scaleNodePool,
  upgradeControlPlane,
  upgradeNodePool,
} from '../../src/cluster/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { FakeApi } from './fake-api.ts';

const name = { name: 'hosted1', namespace: 'clusters' };
const apiVersion = 'hypershift.openshift.io/v1beta1';
const image = (version: string): string =>
  `r.example.com/openshift/release-images@sha256:${version.replaceAll('.', '').padEnd(64, '0')}`;

async function start(version = '4.18.6', status: Record<string, unknown> = {}) {
  const api = new FakeApi();
  const client = await api.start();
  api.put({
    apiVersion,
    kind: 'HostedCluster',
    metadata: { ...name, annotations: { 'hypershift.openshift.io/control-plane-operator-image': 'old' } },
    spec: { release: { image: image(version) } },
    status: { version: { history: [{ version, state: 'Completed' }] }, ...status },
  });
  api.put({
    apiVersion,
    kind: 'NodePool',
    metadata: { name: 'workers', namespace: 'clusters' },
    spec: { clusterName: 'hosted1', replicas: 2, release: { image: image(version) } },
    status: { version, replicas: 2 },
  });
  api.put({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'supported-versions', namespace: 'hypershift' },
    data: { 'supported-versions': '{"versions":["4.19","4.18"]}' },
  });
  return { api, client };
}

describe('hosted clusters', () => {
  test('tells version, pools, and the first cause of what is wrong', async () => {
    const conditions = [
      { type: 'Available', status: 'False', message: 'waiting for etcd' },
      { type: 'EtcdAvailable', status: 'False', message: 'no volume' },
    ];
    const { client } = await start('4.18.6', { conditions });
    const status = await hostedStatus(name, client, quietRun());
    expect(status).toMatchObject({
      version: '4.18.6',
      rollout: 'Completed',
      nodePools: [{ name: 'workers', wanted: 2, ready: 2 }],
    });
    expect(status.problems[0]).toEqual({ condition: 'EtcdAvailable', status: 'False', message: 'no volume' });
  });

  test('scales a pool', async () => {
    const { api, client } = await start();
    await scaleNodePool(name, 'workers', 3, client, quietRun());
    expect(api.find(apiVersion, 'NodePool', 'clusters', 'workers')?.['spec']).toMatchObject({ replicas: 3 });
  });

  test('knows a pool by its name in the site file too, and lists the pools for a name that is none', async () => {
    const { api, client } = await start();
    api.put({
      apiVersion,
      kind: 'NodePool',
      metadata: { name: 'hosted1-gpu', namespace: 'clusters' },
      spec: { clusterName: 'hosted1', replicas: 0, release: { image: image('4.18.6') } },
    });
    await scaleNodePool(name, 'gpu', 2, client, quietRun());
    expect(api.find(apiVersion, 'NodePool', 'clusters', 'hosted1-gpu')?.['spec']).toMatchObject({ replicas: 2 });
    await expect(scaleNodePool(name, 'soup', 2, client, quietRun())).rejects.toMatchObject({
      code: 'HOSTED_UNKNOWN',
      hint: 'it has: workers, hosted1-gpu',
    });
  });

  test('pauses cluster and pools, and resumes by taking the field away', async () => {
    const { api, client } = await start();
    await pauseHosted(name, true, client, quietRun());
    expect((await hostedStatus(name, client, quietRun())).paused).toBe(true);
    await pauseHosted(name, false, client, quietRun());
    expect(api.find(apiVersion, 'NodePool', 'clusters', 'workers')?.['spec']).not.toHaveProperty('pausedUntil');
  });

  test.each([
    ['a release that is not mirrored', { version: '4.18.9', image: undefined }],
    ['an older release', { version: '4.18.5', image: image('4.18.5') }],
    ['a jump of two minors', { version: '4.20.1', image: image('4.20.1') }],
  ])('refuses an upgrade to %s', async (_, target) => {
    const { api, client } = await start();
    expect(await checkUpgrade(name, target, client, quietRun())).not.toEqual([]);
    await expect(upgradeControlPlane(name, target, client, quietRun())).rejects.toMatchObject({
      code: 'HOSTED_REFUSED',
    });
    expect(api.writes).toEqual([]);
  });

  test('moves the control plane first, without the pinned operator, and pools only when it is Completed', async () => {
    const { api, client } = await start();
    const target = { version: '4.19.10', image: image('4.19.10') };
    await expect(upgradeNodePool(name, 'workers', target, client, quietRun())).rejects.toMatchObject({
      code: 'HOSTED_REFUSED',
    });
    await upgradeControlPlane(name, target, client, quietRun());
    const cluster = api.find(apiVersion, 'HostedCluster', 'clusters', 'hosted1');
    expect(cluster?.['spec']).toEqual({ release: { image: target.image } });
    expect(cluster?.metadata['annotations']).toEqual({});
  });

  test('plans a deletion: pools to none, pools, then the cluster', async () => {
    const { client } = await start();
    const plan = await planDeletion(name, client, quietRun());
    expect(plan.map(({ action, object }) => `${action} ${object.kind}`)).toEqual([
      'scale NodePool',
      'release HostedCluster',
      'delete NodePool',
      'delete HostedCluster',
    ]);
  });
});
