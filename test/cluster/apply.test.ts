import { describe, expect, test } from 'vitest';
import {
  type ApplyStage,
  applyStages,
  type ClusterClient,
  type ClusterObject,
  createClientFor,
  diffObjects,
} from '../../src/cluster/index.ts';
import { AirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { FakeApi } from './fake-api.ts';

const fast = { pollMs: 5, timeoutSeconds: 0.2, renderGraceSeconds: 0 };
const configMap = (name: string, data: Record<string, string>): ClusterObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'kitchen' },
  data,
});
const mirrorSet = (mirrors: Record<string, string[]>): ClusterObject => ({
  apiVersion: 'config.openshift.io/v1',
  kind: 'ImageDigestMirrorSet',
  metadata: { name: 'idms-release-0' },
  spec: { imageDigestMirrors: Object.entries(mirrors).map(([source, list]) => ({ source, mirrors: list })) },
});
const pool = (status: 'True' | 'False'): ClusterObject => ({
  apiVersion: 'machineconfiguration.openshift.io/v1',
  kind: 'MachineConfigPool',
  metadata: { name: 'worker', generation: 1 },
  spec: { configuration: { name: 'rendered-1' } },
  status: {
    observedGeneration: 1,
    configuration: { name: 'rendered-1' },
    machineCount: 2,
    updatedMachineCount: status === 'True' ? 2 : 1,
    readyMachineCount: 2,
    conditions: [{ type: 'Updated', status }],
  },
});

function stage(name: string, objects: ApplyStage['objects'], gates: ApplyStage['gates'] = []): ApplyStage {
  return { name, title: name, cluster: 'management', objects, gates, timeoutSeconds: 1 };
}

async function start(): Promise<{ api: FakeApi; clientFor: () => Promise<ClusterClient> }> {
  const api = new FakeApi();
  const client = await api.start();
  return { api, clientFor: async () => client };
}

describe('applyStages', () => {
  test('makes what is missing, and changes nothing the second time', async () => {
    const { api, clientFor } = await start();
    const stages = [stage('pots', [{ object: configMap('pot', { lid: 'yes' }), mode: 'apply' }])];
    const first = await applyStages(stages, clientFor, fast, quietRun());
    const second = await applyStages(stages, clientFor, fast, quietRun());
    expect(first.stages.map(({ state }) => state)).toEqual(['applied']);
    expect(second.stages.map(({ state }) => state)).toEqual(['unchanged']);
    expect(api.writes).toEqual(['APPLY v1 ConfigMap kitchen/pot']);
  });

  test('shows a conflict with the manager that owns the field, and takes it only by force', async () => {
    const { api, clientFor } = await start();
    api.put(configMap('pot', { lid: 'no' }), 'argocd');
    const stages = [stage('pots', [{ object: configMap('pot', { lid: 'yes' }), mode: 'apply' }])];
    await expect(applyStages(stages, clientFor, fast, quietRun())).rejects.toMatchObject({
      code: 'FIELD_CONFLICT',
      details: { conflicts: [{ owner: 'conflict with "argocd"' }] },
    });
    await applyStages(stages, clientFor, { ...fast, forceConflicts: true }, quietRun());
    expect(api.find('v1', 'ConfigMap', 'kitchen', 'pot')?.['data']).toEqual({ lid: 'yes' });
  });

  test('looks for what can never change before anything is changed', async () => {
    const { api, clientFor } = await start();
    const pool = (upgradeType: string): ClusterObject => ({
      apiVersion: 'hypershift.openshift.io/v1beta1',
      kind: 'NodePool',
      metadata: { name: 'workers', namespace: 'kitchen' },
      spec: { clusterName: 'tea', management: { upgradeType } },
    });
    api.put(pool('InPlace'), 'airlock');
    const stages = [
      stage('pots', [{ object: configMap('pot', { lid: 'yes' }), mode: 'apply' }]),
      stage('pools', [{ object: pool('Replace'), mode: 'apply' }]),
    ];
    await expect(applyStages(stages, clientFor, fast, quietRun())).rejects.toMatchObject({
      code: 'FIELD_IMMUTABLE',
      message: 'spec.management.upgradeType of NodePool kitchen/workers is InPlace and can never become Replace',
    });
    expect(api.writes).toEqual([]);
  });

  describe('of Network/cluster', () => {
    const network = (spec: object): ClusterObject => ({
      apiVersion: 'config.openshift.io/v1',
      kind: 'Network',
      metadata: { name: 'cluster' },
      spec,
    });
    const pods = (cidr: string, hostPrefix: number): object => ({ clusterNetwork: [{ cidr, hostPrefix }] });
    const applied = async (there: object, wanted: object): Promise<unknown> => {
      const { api, clientFor } = await start();
      api.put(network(there), 'installer');
      const stages = [stage('network', [{ object: network(wanted), mode: 'patch' }])];
      await applyStages(stages, clientFor, { ...fast, forceConflicts: true }, quietRun());
      return api.find('config.openshift.io/v1', 'Network', undefined, 'cluster')?.['spec'];
    };

    test('widens the pod network with the prefix of nodes that it was installed with', async () => {
      expect(await applied(pods('10.217.0.0/22', 26), pods('10.216.0.0/14', 23))).toEqual(pods('10.216.0.0/14', 26));
    });

    test('widens the range of node ports, whose default stands nowhere', async () => {
      const range = { serviceNodePortRange: '30000-32900' };
      expect(await applied({}, range)).toEqual(range);
    });

    test.each([
      ['a pod network that does not hold the one that is there', pods('10.128.0.0/14', 23), pods('10.132.0.0/14', 23)],
      ['a narrower pod network', pods('10.128.0.0/14', 23), pods('10.128.0.0/16', 23)],
      ['one of another family', pods('10.128.0.0/14', 23), pods('fd01::/48', 64)],
      [
        'a range without ports that are in use',
        { serviceNodePortRange: '29000-32900' },
        { serviceNodePortRange: '30000-32900' },
      ],
      ['a range without the default', {}, { serviceNodePortRange: '31000-33000' }],
    ])('refuses %s, which the API server takes', async (_, there, wanted) => {
      await expect(applied(there, wanted)).rejects.toMatchObject({ code: 'FIELD_IMMUTABLE' });
    });
  });

  test('waits until the API servers run with the NodePort range', async () => {
    const { api, clientFor } = await start();
    const stages = [stage('network', [], [{ kind: 'nodePortRange', range: '30000-32900' }])];
    await expect(applyStages(stages, clientFor, fast, quietRun())).rejects.toMatchObject({ code: 'GATE_TIMEOUT' });
    const config = JSON.stringify({ apiServerArguments: { 'service-node-port-range': ['30000-32900'] } });
    api.put(
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'config', namespace: 'openshift-kube-apiserver' },
        data: { 'config.yaml': config },
      },
      'operator',
    );
    await applyStages(stages, clientFor, fast, quietRun());
  });

  test('keeps nothing of a dry run on the server', async () => {
    const { api, clientFor } = await start();
    const stages = [stage('pots', [{ object: configMap('pot', { lid: 'yes' }), mode: 'apply' }])];
    const report = await applyStages(stages, clientFor, { ...fast, dryRun: 'server' }, quietRun());
    expect(report.stages[0]?.objects[0]).toMatchObject({ action: 'create' });
    expect(api.writes).toEqual([]);
  });

  test('merges a pull secret with the entries that are there, and again changes nothing', async () => {
    const { api, clientFor } = await start();
    const secret = (auths: Record<string, unknown>, type: string): ClusterObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'pull-secret', namespace: 'openshift-config' },
      type,
      data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
    });
    api.put(secret({ 'quay.io': { auth: 'YTpi' } }, 'Opaque'), 'installer');
    const stages = [
      stage('pull', [
        { object: secret({ 'r.example.com': { auth: 'Yzpk' } }, 'kubernetes.io/dockerconfigjson'), mode: 'merge' },
      ]),
    ];
    await applyStages(stages, clientFor, fast, quietRun());
    const again = await applyStages(stages, clientFor, fast, quietRun());
    const stored = api.find('v1', 'Secret', 'openshift-config', 'pull-secret');
    const data = stored?.['data'] as Record<string, string>;
    expect(stored?.['type']).toBe('Opaque');
    expect(JSON.parse(Buffer.from(data['.dockerconfigjson'] ?? '', 'base64').toString())).toEqual({
      auths: { 'quay.io': { auth: 'YTpi' }, 'r.example.com': { auth: 'Yzpk' } },
    });
    expect(again.stages[0]?.state).toBe('unchanged');
  });

  test('merges anew what somebody else wrote in between', async () => {
    const { api, clientFor } = await start();
    const ca = (name: string): string => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`;
    api.put(configMap('cas', { 'ca-bundle.crt': ca('one') }), 'installer');
    const client = await clientFor();
    let looks = 0;
    const racing: ClusterClient = {
      ...client,
      find: async (ref, run) => {
        const found = await client.find(ref, run);
        looks += 1;
        // The second look is that of the apply itself, after the plan.
        if (looks === 2) api.put(configMap('cas', { 'ca-bundle.crt': ca('one') + ca('two') }), 'argocd');
        return found;
      },
    };
    const stages = [stage('trust', [{ object: configMap('cas', { 'ca-bundle.crt': ca('ours') }), mode: 'merge' }])];
    await applyStages(stages, async () => racing, fast, quietRun());
    expect(api.find('v1', 'ConfigMap', 'kitchen', 'cas')?.['data']).toEqual({
      'ca-bundle.crt': ca('one') + ca('two') + ca('ours'),
    });
  });

  test('shows no value of a secret in a plan', async () => {
    const { clientFor } = await start();
    const secret: ClusterObject = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'bmc', namespace: 'kitchen' },
      data: { password: 'c2FsdA==' },
    };
    for (const dryRun of ['client', 'server'] as const) {
      const report = await applyStages(
        [stage('s', [{ object: secret, mode: 'apply' }])],
        clientFor,
        { ...fast, dryRun },
        quietRun(),
      );
      expect(JSON.stringify(report)).not.toContain('c2FsdA');
    }
  });

  test('shows no password of a URL, and nothing of what kubectl kept of a Secret', () => {
    const proxy = (url: string): ClusterObject => ({
      apiVersion: 'config.openshift.io/v1',
      kind: 'Proxy',
      metadata: { name: 'cluster' },
      spec: { httpProxy: url },
    });
    expect(diffObjects(proxy('http://a:pepper@p:1'), proxy('http://a:chili@p:1'))).toEqual([
      { path: 'spec.httpProxy', before: '"http://(hidden)@p:1"', after: '"http://(hidden)@p:1"' },
    ]);
    const secret = (text: string): ClusterObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'a', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': text } },
    });
    expect(JSON.stringify(diffObjects(secret('salt'), secret('pepper')))).not.toMatch(/salt|pepper/);
  });

  test('leaves an object of mode create alone once it is there', async () => {
    const { api, clientFor } = await start();
    const object = (replicas: number): ClusterObject => ({
      apiVersion: 'hypershift.openshift.io/v1beta1',
      kind: 'NodePool',
      metadata: { name: 'workers', namespace: 'clusters' },
      spec: { replicas },
    });
    api.put(object(3));
    await applyStages([stage('pools', [{ object: object(0), mode: 'create' }])], clientFor, fast, quietRun());
    expect(api.find('hypershift.openshift.io/v1beta1', 'NodePool', 'clusters', 'workers')?.['spec']).toEqual({
      replicas: 3,
    });
  });

  test('says that a removed rule drains nodes and asks; adding one drains none', async () => {
    const { api, clientFor } = await start();
    api.put(pool('True'));
    api.put(mirrorSet({ 'quay.io/a': ['r.example.com/a'] }), 'airlock');
    const asked: string[] = [];
    const run = (object: ClusterObject): Promise<unknown> =>
      applyStages(
        [stage('mirrors', [{ object, mode: 'apply' }])],
        clientFor,
        {
          ...fast,
          confirm: async ({ effect, pools }) => {
            asked.push(`${effect} ${pools.join()}`);
            return effect === 'none';
          },
        },
        quietRun(),
      );
    await run(mirrorSet({ 'quay.io/a': ['r.example.com/a'], 'quay.io/b': ['r.example.com/b'] }));
    await expect(run(mirrorSet({ 'quay.io/b': ['r.example.com/b'] }))).rejects.toMatchObject({
      code: 'APPLY_DECLINED',
    });
    expect(asked).toEqual(['none ', 'drain worker']);
  });

  test('waits for a gate, through a moment without API, and goes on when it opens', async () => {
    const { api, clientFor } = await start();
    api.put(pool('False'));
    const told: string[] = [];
    const run = quietRun({
      report: (event) => {
        if (!('message' in event) || event.state !== 'active') return;
        told.push(event.message ?? '');
        if (told.length === 1) api.failing = 1;
        if (told.length === 2) api.put(pool('True'));
      },
    });
    const stages = [
      stage('mirrors', [{ object: configMap('pot', {}), mode: 'apply' }], [{ kind: 'machineConfigPools' }]),
    ];
    await applyStages(stages, clientFor, { ...fast, timeoutSeconds: 5 }, run);
    expect(told[0]).toBe('pool worker: 1 of 2 nodes updated');
    expect(told.length).toBeGreaterThan(1);
  });

  test('waits for a change that the operator has not rendered yet, though the pools look settled', async () => {
    const { api, clientFor } = await start();
    api.put(pool('True'));
    const rolling = { ...pool('False'), spec: { configuration: { name: 'rendered-2' } } };
    const settled: ClusterObject = { ...pool('True'), spec: rolling.spec };
    const seen: string[] = [];
    const run = quietRun({
      report: (event) => {
        if (!('subject' in event)) return;
        if (event.subject === 'ConfigMap kitchen/pot') setTimeout(() => api.put(rolling), 30);
        if (event.state === 'active') {
          seen.push('rolling');
          api.put({ ...settled, status: { ...(settled['status'] as object), configuration: { name: 'rendered-2' } } });
        }
      },
    });
    const stages = [
      stage('mirrors', [{ object: configMap('pot', {}), mode: 'apply' }], [{ kind: 'machineConfigPools' }]),
    ];
    await applyStages(stages, clientFor, { pollMs: 5, timeoutSeconds: 5, renderGraceSeconds: 5 }, run);
    expect(seen).toEqual(['rolling']);
  });

  test('ends with what was missing when a gate stays shut, and continues there when started again', async () => {
    const { api, clientFor } = await start();
    const gate = {
      kind: 'catalogReady' as const,
      namespace: 'openshift-marketplace',
      name: 'cs-kitchen',
    };
    const stages = [
      stage('first', [{ object: configMap('pot', {}), mode: 'apply' }], [gate]),
      stage('second', [{ object: configMap('pan', {}), mode: 'apply' }]),
    ];
    await expect(applyStages(stages, clientFor, fast, quietRun())).rejects.toMatchObject({
      code: 'GATE_TIMEOUT',
      details: { stage: 'first' },
    });
    expect(api.writes).toEqual(['APPLY v1 ConfigMap kitchen/pot']);
    api.put({
      apiVersion: 'operators.coreos.com/v1alpha1',
      kind: 'CatalogSource',
      metadata: { name: 'cs-kitchen', namespace: 'openshift-marketplace' },
      status: { connectionState: { lastObservedState: 'READY' } },
    });
    const report = await applyStages(stages, clientFor, fast, quietRun());
    expect(report.stages.map(({ state }) => state)).toEqual(['unchanged', 'applied']);
  });

  test('plans a kind that an operator is still to bring, instead of failing', async () => {
    const { clientFor } = await start();
    const object: ClusterObject = {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'MetalLB',
      metadata: { name: 'metallb', namespace: 'metallb-system' },
    };
    const report = await applyStages(
      [stage('metallb', [{ object, mode: 'apply' }])],
      clientFor,
      { ...fast, dryRun: 'server' },
      quietRun(),
    );
    expect(report.stages[0]?.objects[0]).toMatchObject({ action: 'unknown' });
  });

  test('takes no cluster for OpenShift that lacks its own kinds, also in a plan', async () => {
    const { clientFor } = await start();
    const object = { apiVersion: 'config.openshift.io/v1', kind: 'Proxy', metadata: { name: 'cluster' } };
    const planned = (mode: 'patch' | 'existing') =>
      applyStages([stage('proxy', [{ object, mode }])], clientFor, { ...fast, dryRun: 'server' }, quietRun());
    await expect(planned('patch')).rejects.toMatchObject({
      code: 'CLUSTER_KIND_UNKNOWN',
      hint: expect.stringContaining('no OpenShift cluster'),
    });
    expect((await planned('existing')).stages[0]?.objects[0]).toMatchObject({ action: 'keep' });
  });

  test('says in a plan why a hosted cluster could not be asked', async () => {
    const { api } = await start();
    const cluster = { hosted: 'tea', namespace: 'clusters' };
    const stages = [{ ...stage('tea-ingress', [{ object: configMap('pot', {}), mode: 'apply' }]), cluster }];
    const clientFor = createClientFor(await api.start());
    const report = await applyStages(stages, clientFor, { ...fast, dryRun: 'server' }, quietRun());
    expect(report.stages[0]?.objects[0]).toMatchObject({
      action: 'unknown',
      reason: 'hosted cluster clusters/tea has no kubeconfig yet',
    });
  });

  test('takes fields over that only the installer wrote, and no others', async () => {
    const { api, clientFor } = await start();
    api.put(configMap('pot', { lid: 'no' }), 'cluster-bootstrap');
    const stages = [stage('pots', [{ object: configMap('pot', { lid: 'yes' }), mode: 'patch' }])];
    await applyStages(stages, clientFor, fast, quietRun());
    expect(api.find('v1', 'ConfigMap', 'kitchen', 'pot')?.['data']).toEqual({ lid: 'yes' });
    api.put(configMap('pan', { lid: 'no', grip: 'no' }), 'cluster-bootstrap');
    api.owners.set('v1 ConfigMap kitchen/pan \u0000data\u0000grip', 'argocd');
    const pan = [stage('pans', [{ object: configMap('pan', { lid: 'yes', grip: 'yes' }), mode: 'patch' }])];
    await expect(applyStages(pan, clientFor, fast, quietRun())).rejects.toMatchObject({ code: 'FIELD_CONFLICT' });
  });

  test('leaves out an optional object of a kind that the cluster does not serve, and applies one that it serves', async () => {
    const { api, clientFor } = await start();
    const catalog: ClusterObject = {
      apiVersion: 'olm.operatorframework.io/v1',
      kind: 'ClusterCatalog',
      metadata: { name: 'cc' },
    };
    const stages = [
      stage('pots', [
        { object: catalog, mode: 'optional' },
        { object: configMap('pot', {}), mode: 'optional' },
      ]),
    ];
    const report = await applyStages(stages, clientFor, fast, quietRun());
    expect(report.stages[0]?.objects.map(({ action }) => action)).toEqual(['keep', 'create']);
    expect(api.writes).toEqual(['APPLY v1 ConfigMap kitchen/pot']);
  });

  test('patches what is there whoever wrote it, and makes nothing of what is not', async () => {
    const { api, clientFor } = await start();
    api.put(configMap('pot', { lid: 'no', grip: 'yes' }), 'operator');
    const catalog: ClusterObject = {
      apiVersion: 'olm.operatorframework.io/v1',
      kind: 'ClusterCatalog',
      metadata: { name: 'openshift-redhat-operators' },
      spec: { availabilityMode: 'Unavailable' },
    };
    const objects = [configMap('pot', { lid: 'yes' }), configMap('pan', { lid: 'yes' }), catalog];
    const stages = [
      stage(
        'pots',
        objects.map((object) => ({ object, mode: 'existing' })),
      ),
    ];
    const report = await applyStages(stages, clientFor, fast, quietRun());
    expect(report.stages[0]?.objects.map(({ action }) => action)).toEqual(['change', 'keep', 'keep']);
    expect(api.find('v1', 'ConfigMap', 'kitchen', 'pot')?.['data']).toEqual({ lid: 'yes', grip: 'yes' });
    expect(api.writes).toEqual(['APPLY v1 ConfigMap kitchen/pot']);
  });

  test('gives an object that nobody made the fields that it needs then', async () => {
    const { api, clientFor } = await start();
    const image = (name: string, spec: Record<string, unknown>): ClusterObject => ({
      apiVersion: 'config.openshift.io/v1',
      kind: 'Image',
      metadata: { name },
      spec,
    });
    api.put(image('old', { size: 'small' }), 'installer');
    const planned = (name: string) => ({
      object: image(name, { lid: true }),
      mode: 'patch' as const,
      whenMissing: { size: 'large' },
    });
    await applyStages([stage('pots', [planned('old'), planned('new')])], clientFor, fast, quietRun());
    const found = (name: string) => api.find('config.openshift.io/v1', 'Image', undefined, name)?.['spec'];
    expect([found('old'), found('new')]).toEqual([
      { lid: true, size: 'small' },
      { lid: true, size: 'large' },
    ]);
  });

  test('asks again when the server does not answer in the middle of a run, but not when it never did', async () => {
    const { api, clientFor } = await start();
    const stages = ['pots', 'pans'].map((name) => stage(name, [{ object: configMap(name, {}), mode: 'apply' }]));
    const run = quietRun({
      report: (event) => {
        if (event.state === 'started' && event.subject === 'pans') api.failing = 2;
      },
    });
    const report = await applyStages(stages, clientFor, { ...fast, timeoutSeconds: 5 }, run);
    expect(report.stages.map(({ state }) => state)).toEqual(['applied', 'applied']);
    api.failing = 1;
    await expect(applyStages(stages, clientFor, { ...fast, timeoutSeconds: 5 }, quietRun())).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
    });
  });

  test('refuses a stage that does not exist', async () => {
    const { clientFor } = await start();
    await expect(applyStages([], clientFor, { only: ['soup'] }, quietRun())).rejects.toMatchObject({
      code: 'STAGE_UNKNOWN',
    });
  });

  test('ends at once when the run is aborted while it waits', async () => {
    const { api, clientFor } = await start();
    api.put(pool('False'));
    const controller = new AbortController();
    const run = quietRun({
      signal: controller.signal,
      report: (event) => {
        if (event.state === 'active') controller.abort(new AirlockError('CANCELLED', 'interrupted'));
      },
    });
    const stages = [stage('mirrors', [], [{ kind: 'machineConfigPools' }])];
    await expect(applyStages(stages, clientFor, { pollMs: 60_000 }, run)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
