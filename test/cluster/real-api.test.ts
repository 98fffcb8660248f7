import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fieldAt, listAt } from '../../src/cluster/fields.ts';
import {
  type ApplyStage,
  applyStages,
  type ClusterClient,
  connectCluster,
  createClientFor,
  type Gate,
  type ObjectRef,
} from '../../src/cluster/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { siteStages, toApplyStages } from '../../src/manifests/index.ts';
import { renderStages } from '../../src/manifests/stages.ts';
import { sharedPath } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { emitInputFor, fixtureSite, releaseRecord } from '../manifests/site-builder.ts';
import { siteVariants } from '../manifests/site-variants.ts';
import { runCommand } from './command.ts';
import { findApiServer, findCurrentApiServer, type RealServer, startServer } from './real-server.ts';

const tool = findApiServer();
const current = findCurrentApiServer();
const required = process.env['AIRLOCK_REQUIRE_REAL'] === '1';
// Where there is no build script beside the checkout there is no server to be had: the fake covers it.
if (!tool && required && sharedPath('tools/kube-apiserver'))
  throw new Error('apply to a real API server: AIRLOCK_REQUIRE_REAL=1, but no kube-apiserver was built');

const servers = [
  { title: 'one of 1.20', found: tool && { tool }, how: 'build one with ../shared/tools/kube-apiserver build' },
  { title: 'a current one', found: current && { current }, how: 'name its binary with AIRLOCK_KUBE_APISERVER' },
];

describe.each(servers)('apply to a real API server, $title (where missing: $how)', ({ found }) => {
  if (!found) return test.skip('applies');
  let server: RealServer;
  const site = fixtureSite('ipv6');
  const stages = toApplyStages(siteStages(emitInputFor(site, [releaseRecord('4.19.10', 'amd64')])));
  const several = siteVariants().find(({ name }) => name.startsWith('three clusters'));
  if (!several) throw new Error('no site of three clusters');
  const wholeSites = [
    { name: several.name, stages: toApplyStages(siteStages(several.input)) },
    // The last one: what follows finds it in place.
    { name: 'a site', stages },
  ];

  beforeAll(async () => {
    server = await startServer(found);
    const kinds = new Set(
      wholeSites.flatMap((one) => one.stages.flatMap((stage) => stage.objects.map(({ object }) => object.kind))),
    );
    await server.loadKinds([...kinds, 'Agent', 'ClusterServiceVersion', 'ClusterOperator', 'MachineConfigPool']);
    for (const name of [
      'openshift-config',
      'openshift-config-managed',
      'openshift-marketplace',
      'openshift-machine-api',
      'openshift-ingress',
      'hypershift',
      'local-cluster',
    ])
      await server.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }, 240_000);
  afterAll(() => server?.stop());

  test.each(wholeSites)(
    'brings $name up stage by stage, with a controller that moves statuses, and then changes nothing',
    async ({ stages }) => {
      const client = await connectCluster({ file: server.kubeconfig });
      const open = controller(server);
      let pending = Promise.resolve();
      const run = quietRun({
        report: (event) => {
          if (event.stage !== 'apply' || event.state !== 'active') return;
          const stage = stages.find((one) => one.name === event.subject);
          if (stage) pending = pending.then(() => open(stage));
        },
      });
      const options = { pollMs: 30, timeoutSeconds: 60 };
      const first = await applyStages(stages, createClientFor(client), options, run);
      await pending;
      // The hosted cluster is the same server here, so some of its stages find their objects there already.
      const management = new Set(stages.filter((stage) => stage.cluster === 'management').map((stage) => stage.name));
      // What two sites have in common is there for the second one.
      const left = first.stages.filter(
        ({ stage, state, objects }) => management.has(stage) && objects.length > 0 && state !== 'applied',
      );
      expect(left.map(({ stage }) => stage).filter((stage) => /-control-plane$|-scale$/.test(stage))).toEqual([]);
      const before = await versions(server, stages);
      const second = await applyStages(stages, createClientFor(client), options, run);
      const changed = second.stages.filter(({ state }) => state !== 'unchanged');
      expect(changed.flatMap(({ objects }) => objects.filter(({ action }) => action === 'change'))).toEqual([]);
      expect(await versions(server, stages)).toEqual(before);
    },
    240_000,
  );

  test('shows a conflict with another manager, and what a dry run would change', async () => {
    const client = await connectCluster({ file: server.kubeconfig });
    const url = '/apis/config.openshift.io/v1/operatorhubs/cluster?fieldManager=somebody&force=true';
    await server.request(
      'PATCH',
      url,
      {
        apiVersion: 'config.openshift.io/v1',
        kind: 'OperatorHub',
        metadata: { name: 'cluster' },
        spec: { disableAllDefaultSources: false },
      },
      'application/apply-patch+yaml',
    );
    const clientFor = createClientFor(client);
    const only = ['default-catalogs'];
    const plan = await applyStages(stages, clientFor, { only, dryRun: 'server' }, quietRun());
    expect(plan.stages[0]?.objects[0]?.changes).toEqual([
      { path: 'spec.disableAllDefaultSources', before: 'false', after: 'true' },
    ]);
    await expect(applyStages(stages, clientFor, { only }, quietRun())).rejects.toMatchObject({
      code: 'FIELD_CONFLICT',
      details: { conflicts: [{ field: '.spec.disableAllDefaultSources' }] },
    });
    await applyStages(stages, clientFor, { only, forceConflicts: true, pollMs: 30 }, quietRun());
    expect(
      await client.find({ apiVersion: 'config.openshift.io/v1', kind: 'OperatorHub', name: 'cluster' }, quietRun()),
    ).toMatchObject({ spec: { disableAllDefaultSources: true } });
  }, 120_000);

  test.each([
    ['applied', 'argocd', 'application/apply-patch+yaml', '&force=true'],
    ['edited', 'kubectl-edit', 'application/merge-patch+json', ''],
  ])('loses no entry of a list that somebody else has %s since', async (_, manager, type, force) => {
    const client = await connectCluster({ file: server.kubeconfig });
    const run = (options: object) =>
      applyStages(stages, createClientFor(client), { only: ['mirror-sets'], skipGates: true, ...options }, quietRun());
    const ref = { apiVersion: 'config.openshift.io/v1', kind: 'ImageDigestMirrorSet', name: 'idms-release-0' };
    const rules = async () => {
      const found = await client.find(ref, quietRun());
      return listAt(found, 'spec.imageDigestMirrors');
    };
    await run({ forceConflicts: true });
    const ours = await rules();
    const theirs = [...ours, { source: 'quay.io/kitchen', mirrors: ['registry.example.com/kitchen'] }];
    await server.request(
      'PATCH',
      `/apis/config.openshift.io/v1/imagedigestmirrorsets/idms-release-0?fieldManager=${manager}${force}`,
      {
        apiVersion: ref.apiVersion,
        kind: ref.kind,
        metadata: { name: ref.name },
        spec: { imageDigestMirrors: theirs },
      },
      type,
    );
    // The diff says what would go away.
    const plan = await run({ dryRun: 'server' });
    expect(JSON.stringify(plan.stages[0]?.objects)).toContain('quay.io/kitchen');
    await expect(run({})).rejects.toMatchObject({
      code: 'FIELD_CONFLICT',
      details: {
        conflicts: [{ field: '.spec.imageDigestMirrors', owner: expect.stringContaining(`"${manager}"`) }],
      },
    });
    expect(await rules()).toEqual(theirs);
    await run({ forceConflicts: true });
    expect(await rules()).toEqual(ours);
  });

  test('reverts nothing that airlock hosted did, until the site has agreed with it', async () => {
    const client = await connectCluster({ file: server.kubeconfig });
    const scale = stages.find(({ name }) => name.endsWith('-scale'));
    const [planned] = scale?.objects ?? [];
    if (!scale || !planned) throw new Error('no stage that scales');
    const { name, namespace = '' } = planned.object.metadata;
    const ref = { apiVersion: planned.object.apiVersion, kind: 'NodePool', name, namespace };
    const apply = (replicas: number) => {
      const object = { ...planned.object, spec: { ...(planned.object['spec'] as object), replicas } };
      return applyStages(
        [{ ...scale, objects: [{ ...planned, object }] }],
        createClientFor(client),
        { skipGates: true },
        quietRun(),
      );
    };
    const replicas = async () => fieldAt(await client.find(ref, quietRun()), 'spec.replicas');
    await apply(1);
    await client.mergePatch(ref, { spec: { replicas: 7 } }, quietRun());
    await expect(apply(1)).rejects.toMatchObject({
      code: 'FIELD_CONFLICT',
      message: `NodePool ${namespace}/${name}: airlock hosted has changed .spec.replicas, and the site says otherwise`,
      hint: expect.stringContaining('site file'),
    });
    expect(await replicas()).toBe(7);
    // The site file follows; later it asks for more.
    expect((await apply(7)).stages[0]).toMatchObject({ state: 'unchanged' });
    await apply(8);
    expect(await replicas()).toBe(8);
    // What somebody else changes then is a conflict as ever.
    await server.request(
      'PATCH',
      `/apis/${ref.apiVersion}/namespaces/${namespace}/nodepools/${name}?fieldManager=autoscaler`,
      { spec: { replicas: 9 } },
      'application/merge-patch+json',
    );
    await expect(apply(8)).rejects.toMatchObject({ message: expect.stringContaining('conflict with "autoscaler"') });
    await applyStages([scale], createClientFor(client), { skipGates: true, forceConflicts: true }, quietRun());
  }, 120_000);

  test('merges a CA map anew that somebody else wrote in between', async () => {
    const client = await connectCluster({ file: server.kubeconfig });
    const ca = (name: string): string => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`;
    const map = (text: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'raced', namespace: 'openshift-config' },
      data: { 'ca-bundle.crt': text },
    });
    const url = '/api/v1/namespaces/openshift-config/configmaps';
    await server.request('POST', url, map(ca('one')));
    let looks = 0;
    const racing: ClusterClient = {
      ...client,
      find: async (ref, run) => {
        const found = await client.find(ref, run);
        looks += 1;
        // The second look is that of the apply itself, after the plan.
        if (looks === 2) await server.request('PUT', `${url}/raced`, map(ca('one') + ca('two')));
        return found;
      },
    };
    const stage: ApplyStage = {
      name: 'trust',
      title: 'trust',
      cluster: 'management',
      objects: [{ object: map(ca('ours')), mode: 'merge' }],
      gates: [],
      timeoutSeconds: 1,
    };
    await applyStages([stage], async () => racing, {}, quietRun());
    expect(await server.request('GET', `${url}/raced`)).toMatchObject({
      data: { 'ca-bundle.crt': ca('one') + ca('two') + ca('ours') },
    });
  });

  test('switches off the catalogs of OLM v1 that are there, and makes none', async () => {
    const client = await connectCluster({ file: server.kubeconfig });
    const url = '/apis/olm.operatorframework.io/v1/clustercatalogs';
    const source = { type: 'Image', image: { ref: 'registry.redhat.io/redhat/redhat-operator-index:v4.19' } };
    await server.request(
      'PATCH',
      `${url}/openshift-redhat-operators?fieldManager=cluster-olm-operator&force=true`,
      {
        apiVersion: 'olm.operatorframework.io/v1',
        kind: 'ClusterCatalog',
        metadata: { name: 'openshift-redhat-operators' },
        spec: { source, availabilityMode: 'Available' },
      },
      'application/apply-patch+yaml',
    );
    const only = { only: ['default-catalogs'], pollMs: 30 };
    await applyStages(stages, createClientFor(client), only, quietRun());
    const { items } = (await server.request('GET', url)) as {
      items: { metadata: { name: string }; spec: { source: object; availabilityMode: string } }[];
    };
    expect(items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('openshift-'))).toEqual([
      'openshift-redhat-operators',
    ]);
    expect(items.find(({ metadata }) => metadata.name === 'openshift-redhat-operators')?.spec).toMatchObject({
      source,
      availabilityMode: 'Unavailable',
    });
  });

  test('makes a Provisioning that fits a cluster without one, and leaves its other fields to whoever has one', async () => {
    const client = await connectCluster({ file: server.kubeconfig });
    const url = '/apis/metal3.io/v1alpha1/provisionings';
    const ref = { apiVersion: 'metal3.io/v1alpha1', kind: 'Provisioning', name: 'provisioning-configuration' };
    const only = { only: ['provisioning'], skipGates: true };
    const spec = async (): Promise<unknown> => (await client.find(ref, quietRun()))?.['spec'];
    expect(await spec()).toEqual({ provisioningNetwork: 'Disabled', watchAllNamespaces: true });
    await applyStages(stages, createClientFor(client), only, quietRun());
    expect(await spec()).toEqual({ provisioningNetwork: 'Disabled', watchAllNamespaces: true });
    await server.request('DELETE', `${url}/${ref.name}`);
    // As the installer of a bare-metal cluster leaves it.
    const theirs = {
      provisioningNetwork: 'Managed',
      provisioningNetworkCIDR: '172.22.0.0/24',
      watchAllNamespaces: false,
    };
    await server.request('POST', `${url}?fieldManager=cluster-bootstrap`, {
      apiVersion: ref.apiVersion,
      kind: ref.kind,
      metadata: { name: ref.name },
      spec: theirs,
    });
    for (const _ of [1, 2]) await applyStages(stages, createClientFor(client), only, quietRun());
    expect(await spec()).toEqual({ ...theirs, watchAllNamespaces: true });
  }, 120_000);

  test('does the same from the command line: nothing to change, a conflict with its owner, a stage that is put back', async () => {
    const folder = await temporaryFolder();
    for (const file of renderStages(siteStages(emitInputFor(site, [releaseRecord('4.19.10', 'amd64')])))) {
      await mkdir(path.dirname(path.join(folder, file.path)), { recursive: true });
      await writeFile(path.join(folder, file.path), file.content, { mode: file.mode });
    }
    const apply = (...flags: string[]) =>
      runCommand(['apply', folder, '--kubeconfig', server.kubeconfig, ...flags], { cwd: folder });
    const whole = await apply('--dry-run=server');
    expect(whole.exitCode).toBe(0);
    expect(whole.outcome?.text).toContain('nothing to change');
    const again = await apply('--no-wait', '--stage', 'default-catalogs,registry-trust,mirror-sets,pull-secret');
    expect(again).toMatchObject({ exitCode: 0, outcome: { text: expect.stringContaining('nothing to change') } });
    const hub = '/apis/config.openshift.io/v1/operatorhubs/cluster?fieldManager=argocd&force=true';
    const theirs = {
      apiVersion: 'config.openshift.io/v1',
      kind: 'OperatorHub',
      metadata: { name: 'cluster' },
      spec: { disableAllDefaultSources: false },
    };
    await server.request('PATCH', hub, theirs, 'application/apply-patch+yaml');
    const conflict = await apply('-y', '--stage', 'default-catalogs');
    expect([conflict.exitCode, String(conflict.error)]).toEqual([
      1,
      expect.stringMatching(/disableAllDefaultSources \(conflict with "argocd"/),
    ]);
    expect((await apply('-y', '--stage', 'default-catalogs', '--force-conflicts')).exitCode).toBe(0);
  }, 120_000);

  test('refuses what the schema refuses, and says who may not', async () => {
    const client = await connectCluster({ file: server.kubeconfig });
    const bad = {
      apiVersion: 'config.openshift.io/v1',
      kind: 'Image',
      metadata: { name: 'cluster' },
      spec: { additionalTrustedCA: [{ name: 'x' }] },
    };
    await expect(client.apply(bad, { dryRun: true, force: false }, quietRun())).rejects.toMatchObject({
      code: 'OBJECT_INVALID',
    });
    const map = (namespace: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'gone', namespace } });
    for (const dryRun of [true, false])
      await expect(client.apply(map('nowhere'), { dryRun, force: false }, quietRun())).rejects.toMatchObject({
        code: 'CLUSTER_TARGET_MISSING',
        message: 'the cluster has no namespace nowhere',
        hint: expect.stringContaining('ConfigMap nowhere/gone'),
      });
    const gone = { apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', namespace: 'openshift-config' };
    await expect(client.mergePatch(gone, { data: { lid: 'yes' } }, quietRun())).rejects.toMatchObject({
      code: 'CLUSTER_TARGET_MISSING',
      message: 'ConfigMap openshift-config/gone is not in the cluster any more',
    });
    const text = readFileSync(server.kubeconfig, 'utf8').replace(/(current-context"?: ?"?)admin/, '$1viewer');
    const viewer = await connectCluster({ text });
    await expect(
      viewer.find({ apiVersion: 'v1', kind: 'Secret', name: 'pull-secret', namespace: 'openshift-config' }, quietRun()),
    ).rejects.toMatchObject({ code: 'CLUSTER_REFUSED' });
  }, 120_000);
});

async function versions(server: RealServer, stages: readonly ApplyStage[]): Promise<string[]> {
  const client = await connectCluster({ file: server.kubeconfig });
  const found: string[] = [];
  for (const { object } of stages.flatMap((stage) => stage.objects)) {
    const ref: ObjectRef = {
      apiVersion: object.apiVersion,
      kind: object.kind,
      name: object.metadata.name,
      ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
    };
    found.push(
      `${object.kind} ${object.metadata.name} ${(await client.find(ref, quietRun()))?.metadata.resourceVersion}`,
    );
  }
  return found;
}

/** Plays the operators: makes every gate of a stage true. */
function controller(server: RealServer): (stage: ApplyStage) => Promise<void> {
  const created = [200, 201, 404, 409];
  const status = (url: string, value: unknown): Promise<unknown> =>
    server.request('PATCH', `${url}/status`, { status: value }, 'application/merge-patch+json', [404]);
  const conditions = (wanted: Readonly<Record<string, string>>) =>
    Object.entries(wanted).map(([type, state]) => ({
      type,
      status: state,
      reason: 'Test',
      message: 'played',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }));
  const kubeconfig = Buffer.from(readFileSync(server.kubeconfig)).toString('base64');
  const said = new Map<string, Readonly<Record<string, string>>>();
  /** A later stage asks for other conditions of an object; those of before stay. */
  const remember = (url: string, wanted: Readonly<Record<string, string>>): Readonly<Record<string, string>> => {
    const all = { ...said.get(url), ...wanted };
    said.set(url, all);
    return all;
  };

  const openGate = async (gate: Gate): Promise<void> => {
    switch (gate.kind) {
      case 'catalogReady':
        await status(
          urlOf({
            apiVersion: 'operators.coreos.com/v1alpha1',
            kind: 'CatalogSource',
            name: gate.name,
            namespace: gate.namespace,
          }),
          {
            connectionState: { lastObservedState: 'READY' },
          },
        );
        return;
      case 'subscriptionInstalled': {
        const base = `/apis/operators.coreos.com/v1alpha1/namespaces/${gate.namespace}`;
        const csv = {
          apiVersion: 'operators.coreos.com/v1alpha1',
          kind: 'ClusterServiceVersion',
          metadata: { name: `${gate.name}.v1` },
          spec: { displayName: 'x', install: { strategy: 'deployment', spec: { deployments: [] } } },
        };
        await server.request('POST', `${base}/clusterserviceversions`, csv, undefined, created);
        await status(`${base}/clusterserviceversions/${gate.name}.v1`, { phase: 'Succeeded' });
        await status(`${base}/subscriptions/${gate.name}`, {
          installedCSV: `${gate.name}.v1`,
          lastUpdated: '2026-01-01T00:00:00Z',
        });
        return;
      }
      case 'field':
        if (gate.path === 'status.version.history.0.state') {
          const time = '2026-01-01T00:00:00Z';
          const entry = { startedTime: time, completionTime: time, verified: false };
          const url = urlOf(gate.object);
          const { spec } = (await server.request('GET', url)) as { spec: { release: { image: string } } };
          const release = { image: spec.release.image, version: '4.19.10' };
          const history = [{ ...entry, ...release, state: 'Completed' }];
          await status(url, { version: { desired: release, observedGeneration: 1, availableUpdates: [], history } });
          return;
        }
        await make(gate.object);
        await status(
          urlOf(gate.object),
          nest(
            gate.path.split('.').slice(1),
            gate.path.endsWith('readyReplicas') ? Number(gate.value) : gate.value,
            gate.object.kind,
          ),
        );
        return;
      case 'conditions':
        await make(gate.object);
        if (gate.object.kind === 'HostedCluster') {
          const secret = {
            apiVersion: 'v1',
            kind: 'Secret',
            metadata: { name: `${gate.object.name}-admin-kubeconfig` },
            data: { kubeconfig },
          };
          await server.request(
            'POST',
            `/api/v1/namespaces/${gate.object.namespace}/secrets`,
            secret,
            undefined,
            created,
          );
        }
        await status(urlOf(gate.object), {
          conditions: conditions(remember(urlOf(gate.object), gate.wanted)),
          ...(gate.object.kind === 'HostedCluster'
            ? { kubeconfig: { name: `${gate.object.name}-admin-kubeconfig` } }
            : {}),
          ...(gate.object.kind === 'Deployment' ? { observedGeneration: 99 } : {}),
        });
        return;
      case 'agentsReady':
      case 'agentsBound': {
        const base = `/apis/agent-install.openshift.io/v1beta1/namespaces/${gate.namespace}/agents`;
        for (let index = 0; index < gate.count; index += 1) {
          await server.request(
            'POST',
            base,
            {
              apiVersion: 'agent-install.openshift.io/v1beta1',
              kind: 'Agent',
              metadata: { name: `agent-${index}` },
              spec: { approved: true, role: 'worker' },
            },
            undefined,
            created,
          );
          const good = {
            RequirementsMet: 'True',
            Validated: 'True',
            Bound: gate.kind === 'agentsBound' ? 'True' : 'False',
          };
          await status(`${base}/agent-${index}`, { conditions: conditions(good) });
        }
        return;
      }
      default:
        return;
    }
  };

  /** Workloads that operators would make. */
  const make = async ({ apiVersion, kind, name, namespace }: ObjectRef): Promise<void> => {
    if (kind !== 'Deployment' && kind !== 'StatefulSet' && kind !== 'ClusterOperator') return;
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const spec =
      kind === 'ClusterOperator'
        ? {}
        : { selector: { matchLabels: { a: 'b' } }, template, ...(kind === 'StatefulSet' ? { serviceName: 's' } : {}) };
    const url = urlOf({ apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) }).replace(
      /\/[^/]+$/,
      '',
    );
    await server.request('POST', url, { apiVersion, kind, metadata: { name }, spec }, undefined, created);
  };

  return async (stage) => {
    for (const gate of stage.gates) await openGate(gate);
  };
}

function nest(path: readonly string[], value: unknown, kind: string): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  const inner = nest(rest, value, kind);
  // Required beside what the gate looks at.
  const beside =
    kind === 'BareMetalHost' && first === 'provisioning'
      ? { errorCount: 0, errorMessage: 'none', hardwareProfile: 'x', operationalStatus: 'OK', poweredOn: true }
      : kind === 'StatefulSet'
        ? { replicas: 1 }
        : {};
  const required =
    kind === 'BareMetalHost' && first === 'provisioning'
      ? { ID: 'x', image: { url: 'x' }, ...(inner as object) }
      : inner;
  return { ...beside, [first]: required };
}

function urlOf({ apiVersion, kind, name, namespace }: ObjectRef): string {
  const plural = `${kind.toLowerCase()}${kind.endsWith('s') ? 'es' : 's'}`.replace(/ys$/, 'ies');
  return `/apis/${apiVersion}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${plural}/${name}`;
}
