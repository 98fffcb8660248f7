import { compareMinor, hostingVersions } from '../../version-rules.ts';
import { type LintedObject, listAt, textAt, valueAt } from '../faults.ts';
import { annotationsPath, type LintedEntry, lvmClasses, type ObjectSet } from './object-set.ts';

/** Versions and numbers that have to go together. Releases by digest tell no version, so only tags are compared. */
export function lintVersions(set: ObjectSet): void {
  for (const entry of set.of('NodePool')) lintSkew(entry, set);
  lintEngine(set);
  lintLiveImages(set);
  lintWorkers(set);
  lintStorageClasses(set);
  lintInstallFlags(set);
  lintClusterNames(set);
}

function releaseVersion({ value }: LintedObject): string | undefined {
  return /:(\d+\.\d+\.\d+)[^/]*$/.exec(textAt(value, 'spec', 'release', 'image') ?? '')?.[1];
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** The clusters that a pool may belong to: more than one where files of several sites are given together. */
function clustersOf({ value, namespace }: LintedObject, set: ObjectSet): LintedObject[] {
  return set.find('HostedCluster', textAt(value, 'spec', 'clusterName') ?? '', [namespace]);
}

function lintSkew({ object, add }: LintedEntry, set: ObjectSet): void {
  const pool = releaseVersion(object);
  const clusters = clustersOf(object, set).map(releaseVersion);
  if (pool === undefined || clusters.length === 0) return;
  const allowed = (cluster: string | undefined): boolean => {
    if (cluster === undefined) return true;
    const [, minor = 0] = cluster.split('.').map(Number);
    const [, own = 0] = pool.split('.').map(Number);
    return cluster.localeCompare(pool, undefined, { numeric: true }) >= 0 && minor - own <= 3;
  };
  if (!clusters.some(allowed))
    add(
      'LINT_VERSION_RULE',
      ['spec', 'release', 'image'],
      `the pool is ${pool}, and its cluster ${clusters[0]}`,
      'a pool is never newer than its cluster, and at most three minor versions older',
    );
}

/** Releases that the multicluster engine of a Subscription does not install. */
function lintEngine(set: ObjectSet): void {
  const windows = set
    .of('Subscription')
    .filter(({ object }) => textAt(object.value, 'spec', 'name') === 'multicluster-engine')
    .flatMap(({ object }) => /^stable-(\d+\.\d+)$/.exec(textAt(object.value, 'spec', 'channel') ?? '')?.[1] ?? [])
    .flatMap((version) => hostingVersions.filter((one) => one.version === version));
  if (windows.length === 0) return;
  for (const { object, add } of set.of('HostedCluster')) {
    const version = releaseVersion(object);
    if (version === undefined) continue;
    if (windows.some(({ hosted: [from, to] }) => compareMinor(version, from) >= 0 && compareMinor(version, to) <= 0))
      continue;
    add(
      'LINT_VERSION_RULE',
      ['spec', 'release', 'image'],
      `multicluster engine ${windows.map((one) => `${one.version} installs ${one.hosted.join(' to ')}`).join(', ')}, and this is ${version}`,
      'choose a release or a channel of the engine that go together',
      'warning',
    );
  }
}

/** Live images that somebody asks the assisted service for, and that its list has not. */
function lintLiveImages(set: ObjectSet): void {
  const images = set.of('AgentServiceConfig').flatMap(({ object }) => listAt(object.value, 'spec', 'osImages'));
  if (images.length === 0) return;
  const spell = (name: string): string => ({ amd64: 'x86_64', aarch64: 'arm64' })[name] ?? name;
  const missing = (version: string | undefined, architecture: string): boolean =>
    !images.some((image) => {
      const offered = spell(textAt(image, 'cpuArchitecture') ?? 'x86_64');
      return (
        (offered === spell(architecture) || offered === 'multi') &&
        (version === undefined || textAt(image, 'openshiftVersion') === version)
      );
    });
  for (const { object, add } of set.of('InfraEnv')) {
    const version = textAt(object.value, 'spec', 'osImageVersion');
    const architecture = textAt(object.value, 'spec', 'cpuArchitecture') ?? 'x86_64';
    if (valueAt(object.value, 'spec', 'clusterRef') === undefined && missing(version, architecture))
      add(
        'LINT_OS_IMAGES',
        ['spec', version === undefined ? 'cpuArchitecture' : 'osImageVersion'],
        `osImages of the AgentServiceConfig has no ${[version, architecture].filter(Boolean).join(' for ')}`,
        'add the live image of that version and architecture',
        'warning',
      );
  }
  for (const { object, add } of set.of('NodePool')) {
    const version = releaseVersion(object);
    const agent = textAt(object.value, 'spec', 'platform', 'type') === 'Agent';
    const architecture = textAt(object.value, 'spec', 'arch') ?? 'amd64';
    if (agent && version !== undefined && missing(minorOf(version), architecture))
      add(
        'LINT_OS_IMAGES',
        ['spec', 'release', 'image'],
        `osImages of the AgentServiceConfig has no ${minorOf(version)} for ${architecture}`,
        'add the live image: new hosts of the pool need it',
        'warning',
      );
  }
}

/** Ingress of a highly available infrastructure wants two workers. */
function lintWorkers(set: ObjectSet): void {
  for (const { object, add } of set.of('HostedCluster')) {
    const path = ['spec', 'infrastructureAvailabilityPolicy'];
    const pools = set.of('NodePool').filter(({ object: pool }) => clustersOf(pool, set).includes(object));
    // A pool may be given twice, empty and with its hosts.
    const replicas = new Map<string, number>();
    for (const { object: pool } of pools) {
      const own = valueAt(pool.value, 'spec', 'replicas');
      replicas.set(pool.name, Math.max(replicas.get(pool.name) ?? 0, typeof own === 'number' ? own : 2));
    }
    const workers = [...replicas.values()].reduce((sum, one) => sum + one, 0);
    if (textAt(object.value, ...path) === 'HighlyAvailable' && workers === 1)
      add(
        'LINT_REPLICAS',
        path,
        'HighlyAvailable needs two workers, and the pools given here have one',
        'add a worker, or use SingleReplica',
        'warning',
      );
  }
}

/** Etcd stays Pending without a class of its own or a default one. */
function lintStorageClasses(set: ObjectSet): void {
  const classes = set.of('StorageClass');
  const byDefault = classes.filter(
    ({ object }) =>
      textAt(object.value, ...annotationsPath, 'storageclass.kubernetes.io/is-default-class')?.toLowerCase() === 'true',
  );
  const names = new Set(byDefault.map(({ object }) => object.name));
  if (names.size > 1)
    byDefault
      .at(-1)
      ?.add(
        'LINT_STORAGE_CLASS',
        annotationsPath,
        `${[...names].join(' and ')} are both the default`,
        'keep one: the newest wins otherwise',
        'warning',
      );
  if (classes.length === 0 || names.size > 0 || lvmClasses(set).length > 0) return;
  const volume = ['spec', 'etcd', 'managed', 'storage', 'persistentVolume'];
  for (const { object, add } of set.of('HostedCluster'))
    if (textAt(object.value, ...volume, 'storageClassName') === undefined)
      add(
        'LINT_STORAGE_CLASS',
        ['spec', 'etcd'],
        'etcd names no storage class, and none given here is the default',
        'name one, or mark one as the default: etcd stays Pending otherwise',
        'warning',
      );
}

/** Without internet the operator waits for a Secret of telemetry for ever, unless it is told to leave that out. */
function lintInstallFlags(set: ObjectSet): void {
  const mirrored = ['ImageDigestMirrorSet', 'ImageContentSourcePolicy'].some((kind) => set.of(kind).length > 0);
  if (!mirrored || set.of('HostedCluster').length === 0) return;
  if (set.named('ConfigMap', 'hypershift-operator-install-flags').length > 0) return;
  for (const { add } of set.of('MultiClusterEngine'))
    add(
      'LINT_INSTALL_FLAGS',
      ['kind'],
      'ConfigMap local-cluster/hypershift-operator-install-flags is in none of the given files',
      'add it with installFlagsToRemove: --enable-uwm-telemetry-remote-write, or the operator does nothing',
      'warning',
    );
}

/** Every hosted cluster is a managed cluster too, and those have no namespace of their own to tell them apart. */
function lintClusterNames(set: ObjectSet): void {
  for (const { object, add } of set.of('HostedCluster')) {
    const other = set.named('HostedCluster', object.name).find(({ namespace }) => namespace !== object.namespace);
    if (other && other.namespace !== undefined && object.namespace !== undefined)
      add(
        'LINT_NAME',
        ['metadata', 'name'],
        `there is a HostedCluster ${object.name} in ${other.namespace} too`,
        'give every hosted cluster a name of its own: it becomes the name of a managed cluster',
        'warning',
      );
  }
}
