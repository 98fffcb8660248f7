import type { HostedCluster, Site } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { normaliseCertificates } from '../certificates.ts';
import { pullSecret } from '../management/mirror-stages.ts';
import { contentSuffix } from '../names.ts';
import { namespaceResource } from '../operators.ts';
import type { DockerConfig } from '../pull-secret.ts';
import type { Resource } from '../resource.ts';
import type { ManifestStage } from '../stages.ts';
import { getText, type SiteTexts } from '../texts.ts';
import { ruleApplies } from '../version-rules.ts';

/** Lets `hcp destroy` remove what belongs to the cluster. */
const ownedLabels = { 'hypershift.openshift.io/safe-to-delete-with-cluster': 'true' };

/** Names of the objects that a hosted cluster refers to, all in its namespace but the last. */
export interface HostedNames {
  readonly pullSecret: string;
  readonly sshKey: string;
  readonly etcdKey: string;
  /** Changes with the CA: the operator reacts to a new name only. */
  readonly trustBundle: string;
  /** In the namespace of the hosts. */
  readonly infraPullSecret: string;
}

/** The names for a cluster and the CA that it is given. */
export function hostedNames(cluster: HostedCluster, caPem: string): HostedNames {
  return {
    pullSecret: `${cluster.name}-pull-secret`,
    sshKey: `sshkey-cluster-${cluster.name}`,
    etcdKey: `${cluster.name}-etcd-encryption-key`,
    trustBundle: `${cluster.name}-user-ca-bundle-${contentSuffix(normaliseCertificates(caPem))}`,
    infraPullSecret: 'pull-secret',
  };
}

/** What `hostedPrepareStage` is made from. */
export interface PrepareInput {
  readonly site: Site;
  readonly cluster: HostedCluster;
  readonly caPem: string;
  readonly pullSecret: DockerConfig;
  readonly texts: SiteTexts;
  /** Base64 of 32 random bytes, the same on every run. */
  readonly etcdKey: string | undefined;
}

/**
 * Everything that has to exist before a HostedCluster: namespaces, CA bundle, secrets and the role for the agent provider.
 * @throws AirlockError SITE_SECRET_MISSING, SITE_TEXT_MISSING
 */
export function hostedPrepareStage(input: PrepareInput): ManifestStage {
  const { cluster } = input;
  const names = hostedNames(cluster, input.caPem);
  return {
    name: `${cluster.name}-prepare`,
    title: `Prepare hosted cluster ${cluster.name}`,
    cluster: 'management',
    files: [
      {
        name: 'namespaces.yaml',
        why: 'the cluster, its control plane and its hosts each have one; that of the hosts outlives the control plane',
        resources: [...new Set([cluster.namespace, cluster.controlPlaneNamespace, cluster.hostNamespace])].map((name) =>
          namespaceResource(name),
        ),
      },
      {
        name: 'trust-bundle.yaml',
        why: 'control plane and nodes trust the CA of the registry; new content gets a new name, which rolls the node pools',
        resources: [
          {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: names.trustBundle, namespace: cluster.namespace },
            data: { 'ca-bundle.crt': normaliseCertificates(input.caPem) },
          },
        ],
      },
      {
        name: 'secrets.yaml',
        why: 'pull secrets, SSH key and etcd encryption key; keep the last one with every etcd backup',
        resources: secrets(input, names),
      },
      ...roleFiles(input),
    ],
    gates: [],
    timeoutSeconds: 60,
  };
}

function secrets(input: PrepareInput, names: HostedNames): Resource[] {
  const { cluster, etcdKey } = input;
  if (etcdKey === undefined || Buffer.from(etcdKey, 'base64').length !== 32)
    throw new AirlockError(
      'SITE_SECRET_MISSING',
      `hosted cluster ${cluster.name} has no etcd encryption key of 32 bytes`,
    );
  const secret = (name: string, data: Readonly<Record<string, string>>): Resource => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: cluster.namespace, labels: ownedLabels },
    type: 'Opaque',
    data,
  });
  const sshKey = cluster.sshKeyFile;
  return [
    pullSecret(names.pullSecret, cluster.namespace, input.pullSecret, ownedLabels),
    pullSecret(names.infraPullSecret, cluster.hostNamespace, input.pullSecret),
    ...(sshKey
      ? // The key's name says RSA whatever the algorithm.
        [secret(names.sshKey, { 'id_rsa.pub': Buffer.from(getText(input.texts, sshKey)).toString('base64') })]
      : []),
    secret(names.etcdKey, { key: etcdKey }),
  ];
}

function roleFiles({ site, cluster }: PrepareInput): ManifestStage['files'] {
  const version = site.managementCluster?.multiclusterEngine.version;
  if (version !== undefined && !ruleApplies('agent-role', version)) return [];
  return [
    {
      name: 'role.yaml',
      why: 'older agent providers need it to take Agents from the namespace of the hosts',
      resources: [
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'Role',
          metadata: { name: 'capi-provider-role', namespace: cluster.hostNamespace },
          rules: [{ apiGroups: ['agent-install.openshift.io'], resources: ['agents'], verbs: ['*'] }],
        },
      ],
    },
  ];
}
