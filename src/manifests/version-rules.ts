/** `major.minor` of multicluster engine, such as `2.9`. */
export type MceVersion = string;

/** One thing that depends on a version, and where that is known from. */
export interface VersionRule {
  /** What the versions are of. */
  readonly of: 'multicluster engine' | 'hosted release' | 'management cluster';
  /** The first version (`major.minor`) with the behaviour; left out: from the beginning. */
  readonly from?: string;
  /** The first version without it. */
  readonly before?: string;
  readonly effect: string;
  readonly origin: string;
}

/** Every decision by version that Airlock takes, in one place. */
export const versionRules = {
  'root-fs-url': {
    of: 'multicluster engine',
    before: '2.6',
    effect: 'AgentServiceConfig osImages need rootFSUrl; newer ones take the root file system out of the ISO',
    origin: 'openshift/assisted-service api/v1beta1: rootFSUrl is deprecated and unused',
  },
  'control-plane-operator-annotation': {
    of: 'hosted release',
    before: '4.17',
    effect: 'HostedCluster names the control-plane-operator image of the mirrored payload in an annotation',
    origin: 'OCPBUGS-34734; openshift-docs pull request 98971',
  },
  'agent-role': {
    of: 'multicluster engine',
    before: '2.10',
    effect: 'the Role capi-provider-role is made in the namespace of the hosts; newer operators make one per cluster',
    origin: 'openshift/hypershift, agent platform: capi-provider-role-<namespace>',
  },
  'cluster-catalog': {
    of: 'management cluster',
    from: '4.18',
    effect: 'ClusterCatalog is served (OLM v1)',
    origin: 'OpenShift 4.18 release notes, OLM v1',
  },
  'hypershift-preview': {
    of: 'multicluster engine',
    before: '2.4',
    effect: 'the components are named hypershift-preview and managedserviceaccount-preview',
    origin: 'stolostron/backplane-operator, component names up to 2.3',
  },
} as const satisfies Record<string, VersionRule>;

/** Which releases a multicluster engine hosts, and on which management clusters it runs; both ends included. */
export interface HostingVersions {
  readonly version: MceVersion;
  readonly hosted: readonly [from: string, to: string];
  readonly management: readonly [from: string, to: string];
}

/** @see Red Hat's support articles of multicluster engine 2.6 to 2.10; newer ones are not known here */
export const hostingVersions: readonly HostingVersions[] = [
  { version: '2.6', hosted: ['4.14', '4.16'], management: ['4.14', '4.17'] },
  { version: '2.7', hosted: ['4.15', '4.17'], management: ['4.15', '4.17'] },
  { version: '2.8', hosted: ['4.16', '4.18'], management: ['4.16', '4.18'] },
  { version: '2.9', hosted: ['4.17', '4.19'], management: ['4.16', '4.20'] },
  { version: '2.10', hosted: ['4.18', '4.20'], management: ['4.16', '4.20'] },
];

/** Whether the behaviour of a rule holds for a version (`major.minor[.patch]`). */
export function ruleApplies(name: keyof typeof versionRules, version: string): boolean {
  const rule: VersionRule = versionRules[name];
  return (
    (rule.from === undefined || compareMinor(version, rule.from) >= 0) &&
    (rule.before === undefined || compareMinor(version, rule.before) < 0)
  );
}

/** Compares `major.minor` of two versions, ignoring what follows. */
export function compareMinor(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}
