import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadIntoStorage, openBundle, readHistory } from '../../src/bundle/index.ts';
import { connectCluster, createClientFor, listUsedImages } from '../../src/cluster/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { parseYaml } from '../../src/core/yaml.ts';
import { buildSample } from '../bundle/build-sample.ts';
import { makeSample, type SampleImage } from '../bundle/sample.ts';
import { sharedPath } from '../helpers/real.ts';
import { suiteFolder } from '../helpers/temporary.ts';
import { runCommand } from './command.ts';
import { findApiServer, findCurrentApiServer, type RealServer, startServer } from './real-server.ts';

const tool = findApiServer();
const current = findCurrentApiServer();
if (!tool && process.env['AIRLOCK_REQUIRE_REAL'] === '1' && sharedPath('tools/kube-apiserver'))
  throw new Error('images in use: AIRLOCK_REQUIRE_REAL=1, but no kube-apiserver was built');
const found = current ? { current } : tool && { tool };
const run = quietRun();

/** Images of the first generation by what uses them; the second generation has none of them. */
const names = [
  'pod',
  'init',
  'running',
  'scaled',
  'nightly',
  'operand',
  'catalog',
  'tagged',
  'guest',
  'unused',
] as const;
const images: readonly SampleImage[] = names.map((name) => ({
  repository: `harbour/${name}`,
  tag: 'v1',
  layers: [[name, 2000]],
}));

describe.skipIf(!found)(
  'images in use, asked of two real API servers (skipped where no kube-apiserver was built)',
  () => {
    let hub: RealServer;
    let guest: RealServer;
    let folder: string;
    let digests: Readonly<Record<string, string>>;
    const at = (name: string): string => path.join(folder, name);

    beforeAll(async () => {
      if (!found) return;
      folder = await suiteFolder();
      digests = await loadTwo(folder);
      [hub, guest] = [await startServer(found), await startServer(found)];
      await hub.loadKinds([
        ...['HostedCluster', 'NodePool', 'CatalogSource', 'ClusterServiceVersion', 'ClusterCatalog'],
        ...['ClusterVersion', 'MachineConfigPool', 'MachineConfig'],
      ]);
      await fillHub(hub, guest, digests);
      const pod = {
        containers: [{ name: 'c', image: `registry.lab.example.com:5000/harbour/guest@${digests['guest']}` }],
      };
      await guest.request('POST', '/api/v1/namespaces/default/pods', object('v1', 'Pod', 'guest', pod));
    }, 360_000);
    afterAll(() => {
      hub?.stop();
      guest?.stop();
    });

    const prune = (...flags: string[]) =>
      runCommand(['prune', '--storage', at('storage'), '--state-dir', at('state'), '--keep', '1', ...flags], {
        cwd: folder,
      });

    test('are those of Pods, workloads, operators, catalogs, releases and node pools, of hosted clusters too; nothing is written', async () => {
      const before = await everything(hub);
      const used = await listUsedImages(createClientFor(await connectCluster({ file: hub.kubeconfig })), run);
      expect(used.clusters).toEqual(['management', 'clusters/harbour']);
      const release = (digit: string) => `sha256:${digit.repeat(64)}`;
      const wanted = names.filter((name) => !['tagged', 'unused'].includes(name)).map((name) => digests[name]);
      // Releases: the hub's, what it comes from but nothing older, the hosted cluster's and its pool's; the operating system of a pool.
      const others = ['a', 'b', 'd', 'e', 'f'].map(release);
      expect(used.digests).toEqual([...wanted, ...others].sort());
      expect(used.tagged).toContain('registry.lab.example.com:5000/mirror/harbour/tagged:v1');
      expect(await everything(hub)).toEqual(before);
    });

    test('stay when older generations are pruned', async () => {
      const blind = await prune('--dry-run', '--no-cluster');
      expect(blind.outcome?.result).toMatchObject({ plan: { tags: names.map((name) => `harbour/${name}:v1`).sort() } });
      expect(blind.outcome?.text).toContain('no cluster was asked');
      const seeing = await prune('--dry-run', '--kubeconfig', hub.kubeconfig);
      expect(seeing.outcome?.result).toMatchObject({
        plan: { tags: ['harbour/unused:v1'] },
        cluster: { clusters: ['management', 'clusters/harbour'], kubeconfig: hub.kubeconfig },
      });
      expect(seeing.outcome?.text).toMatch(/in use by management, clusters\/harbour, and stays: 13 digests/);
      const usual = await runCommand(
        ['prune', '--storage', at('storage'), '--state-dir', at('state'), '--keep', '1', '--dry-run'],
        { cwd: folder, env: { KUBECONFIG: hub.kubeconfig } },
      );
      expect(usual.outcome?.result).toMatchObject({ plan: { tags: ['harbour/unused:v1'] } });
    });

    test('are looked for again before blobs go for good', async () => {
      expect((await prune('--no-cluster', '-y')).exitCode).toBe(0);
      const collect = await prune('--collect', '-y', '--kubeconfig', hub.kubeconfig);
      expect([collect.exitCode, collect.error]).toMatchObject([1, { code: 'PRUNE_IN_USE' }]);
      expect((await prune('--undo')).outcome?.result).toMatchObject({ state: 'restored' });
      expect((await prune('-y', '--kubeconfig', hub.kubeconfig)).outcome?.result).toMatchObject({ state: 'pruned' });
      const done = await prune('--collect', '-y', '--kubeconfig', hub.kubeconfig);
      expect(done.outcome?.result).toMatchObject({ state: 'collected' });
    });

    test('that nobody can tell of stop a prune, and it says how to do without', async () => {
      const viewer = at('viewer.kubeconfig');
      const text = readFileSync(hub.kubeconfig, 'utf8');
      await writeFile(viewer, text.replace(/(current-context"?: ?"?)admin/, '$1viewer'));
      const away = at('away.kubeconfig');
      await writeFile(away, text.replace(/(server"?: ?"?https:\/\/)[^",\s]+/, '$1127.0.0.1:1'));
      for (const [file, code] of [
        [viewer, 'CLUSTER_REFUSED'],
        [away, 'CLUSTER_UNREACHABLE'],
      ] as const) {
        const ending = await prune('--dry-run', '--kubeconfig', file);
        expect([ending.exitCode, ending.error]).toMatchObject([
          3,
          { code, hint: expect.stringContaining('--no-cluster') },
        ]);
      }
      const missing = await prune('--dry-run', '--kubeconfig', at('nowhere'));
      expect([missing.exitCode, missing.error]).toMatchObject([2, { code: 'FILE_NOT_FOUND' }]);
    });
  },
);

/** Two generations, loaded: the images above, and another one. */
async function loadTwo(folder: string): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const set of [images, [{ repository: 'harbour/new', tag: 'v1', layers: [['new', 2000]] }] as const]) {
    const history = await readHistory(path.join(folder, 'out/.airlock'), run);
    const sample = makeSample({
      images: set,
      generation: history.next,
      ...(history.parent ? { parent: history.parent } : {}),
      carried: history.carriedBlobs,
      carriedFiles: history.carriedFiles,
    });
    await mkdir(path.join(folder, 'out'), { recursive: true });
    await buildSample(sample, path.join(folder, 'out'));
    for (const { repository, digest } of sample.plan.images) digests[path.basename(repository)] = digest;
  }
  const options = { storageRoot: path.join(folder, 'storage'), stateFolder: path.join(folder, 'state') };
  for (const bundle of await openBundle(path.join(folder, 'out'), run))
    await loadIntoStorage({ bundle, ...options }, run);
  return digests;
}

function object(apiVersion: string, kind: string, name: string, spec: object): object {
  return { apiVersion, kind, metadata: { name }, spec };
}

async function fillHub(hub: RealServer, guest: RealServer, digests: Readonly<Record<string, string>>): Promise<void> {
  const at = (name: string): string => `quay.io/harbour/${name}@${digests[name]}`;
  const release = (digit: string): string => `quay.io/openshift-release-dev/ocp-release@sha256:${digit.repeat(64)}`;
  const post = (url: string, body: object): Promise<unknown> => hub.request('POST', url, body);
  const status = (url: string, value: object): Promise<unknown> =>
    hub.request('PATCH', `${url}/status`, { status: value }, 'application/merge-patch+json');
  await post('/api/v1/namespaces', object('v1', 'Namespace', 'clusters', {}));
  const container = (image: string) => ({ name: 'c', image });
  await post(
    '/api/v1/namespaces/default/pods',
    object('v1', 'Pod', 'one', {
      initContainers: [{ name: 'i', image: at('init') }],
      containers: [container(at('pod')), { name: 'd', image: 'quay.io/harbour/running:latest' }],
    }),
  );
  await status('/api/v1/namespaces/default/pods/one', {
    containerStatuses: [
      { name: 'd', image: 'quay.io/harbour/running:latest', imageID: at('running'), ready: true, restartCount: 0 },
    ],
  });
  const workload = (image: string) => ({
    replicas: 0,
    selector: { matchLabels: { app: 'x' } },
    template: { metadata: { labels: { app: 'x' } }, spec: { containers: [container(image)] } },
  });
  await post(
    '/apis/apps/v1/namespaces/default/deployments',
    object('apps/v1', 'Deployment', 'idle', workload(at('scaled'))),
  );
  const { template } = workload(at('nightly'));
  const jobTemplate = { spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } } };
  const version = await hub
    .request('GET', '/apis/batch/v1/namespaces/default/cronjobs')
    .then(() => 'batch/v1')
    .catch(() => 'batch/v1beta1');
  await post(
    `/apis/${version}/namespaces/default/cronjobs`,
    object(version, 'CronJob', 'nightly', { schedule: '0 1 * * *', jobTemplate }),
  );
  const olm = '/apis/operators.coreos.com/v1alpha1/namespaces/default';
  await post(
    `${olm}/clusterserviceversions`,
    object('operators.coreos.com/v1alpha1', 'ClusterServiceVersion', 'crane.v1', {
      displayName: 'x',
      install: { strategy: 'deployment', spec: { deployments: [] } },
      relatedImages: [{ name: 'operand', image: at('operand') }],
    }),
  );
  await post(
    `${olm}/catalogsources`,
    object('operators.coreos.com/v1alpha1', 'CatalogSource', 'cs', {
      sourceType: 'grpc',
      image: 'registry.lab.example.com:5000/mirror/harbour/tagged:v1',
    }),
  );
  await post(
    '/apis/olm.operatorframework.io/v1/clustercatalogs',
    object('olm.operatorframework.io/v1', 'ClusterCatalog', 'cc', {
      source: { type: 'Image', image: { ref: at('catalog') } },
    }),
  );
  const time = '2026-01-01T00:00:00Z';
  const entry = (digit: string, state: string) => ({
    image: release(digit),
    state,
    version: '4.19.1',
    startedTime: time,
    completionTime: time,
    verified: true,
  });
  await post(
    '/apis/config.openshift.io/v1/clusterversions',
    object('config.openshift.io/v1', 'ClusterVersion', 'version', {
      clusterID: '11111111-1111-4111-8111-111111111111',
    }),
  );
  await status('/apis/config.openshift.io/v1/clusterversions/version', {
    desired: { image: release('a'), version: '4.19.2' },
    history: [entry('a', 'Partial'), entry('b', 'Completed'), entry('c', 'Completed')],
    observedGeneration: 1,
    versionHash: 'x',
    availableUpdates: [],
  });
  const machines = '/apis/machineconfiguration.openshift.io/v1';
  await post(
    `${machines}/machineconfigs`,
    object('machineconfiguration.openshift.io/v1', 'MachineConfig', 'rendered-worker-1', { osImageURL: release('f') }),
  );
  await post(
    `${machines}/machineconfigs`,
    object('machineconfiguration.openshift.io/v1', 'MachineConfig', 'rendered-worker-0', { osImageURL: release('9') }),
  );
  await post(
    `${machines}/machineconfigpools`,
    object('machineconfiguration.openshift.io/v1', 'MachineConfigPool', 'worker', {
      configuration: { name: 'rendered-worker-1' },
    }),
  );
  const fixtures = path.resolve(import.meta.dirname, '../fixtures/manifests/ipv6/14-hosted1-control-plane');
  const hosted = parseYaml(readFileSync(path.join(fixtures, 'hostedcluster.yaml'), 'utf8')) as { spec: object };
  const hypershift = '/apis/hypershift.openshift.io/v1beta1/namespaces/clusters';
  const spec = { ...hosted.spec, release: { image: release('d') } };
  for (const name of ['harbour', 'planned'])
    await post(`${hypershift}/hostedclusters`, object('hypershift.openshift.io/v1beta1', 'HostedCluster', name, spec));
  await post(
    `${hypershift}/nodepools`,
    object('hypershift.openshift.io/v1beta1', 'NodePool', 'workers', {
      clusterName: 'harbour',
      replicas: 0,
      management: { upgradeType: 'InPlace', autoRepair: false },
      platform: { type: 'Agent', agent: {} },
      release: { image: release('e') },
    }),
  );
  const kubeconfig = readFileSync(guest.kubeconfig).toString('base64');
  await post('/api/v1/namespaces/clusters/secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'harbour-admin' },
    data: { kubeconfig },
  });
  await status(`${hypershift}/hostedclusters/harbour`, { kubeconfig: { name: 'harbour-admin' }, conditions: [] });
}

/** Names and versions of the objects that were made above. */
async function everything(server: RealServer): Promise<unknown> {
  const urls = [
    ...['/api/v1/pods', '/api/v1/secrets', '/apis/apps/v1/deployments', '/apis/config.openshift.io/v1/clusterversions'],
    ...['/apis/hypershift.openshift.io/v1beta1/hostedclusters', '/apis/operators.coreos.com/v1alpha1/catalogsources'],
  ];
  const lists = await Promise.all(urls.map((url) => server.request('GET', url)));
  return (lists as { items: { metadata: { name: string; resourceVersion: string } }[] }[]).map(({ items }) =>
    items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`),
  );
}
