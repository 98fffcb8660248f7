import { type FieldPath, type LintedObject, listAt, recordAt, textAt } from './faults.ts';

/** Another object that an object names. */
export interface NamedReference {
  readonly kind: string;
  readonly name: string;
  /** Where it is looked for; [undefined] for kinds without a namespace; empty: anywhere. */
  readonly namespaces: readonly (string | undefined)[];
  /** Where the name stands. */
  readonly path: FieldPath;
  /** Keys of its data that are read. */
  readonly keys: readonly string[];
}

/** Namespaces in which the assisted service runs: of multicluster engine, of Advanced Cluster Management, and upstream's. */
export const assistedNamespaces: readonly string[] = [
  'multicluster-engine',
  'open-cluster-management',
  'rhacm',
  'assisted-installer',
];
const overrideAnnotation = 'unsupported.agent-install.openshift.io/assisted-service-configmap';
const volumeKinds = ['ConfigMap', 'Secret'] as const;

/** The objects that an object names, of the kinds that a disconnected site is made of. */
export function referencesOf(object: LintedObject): NamedReference[] {
  return (readers.get(object.kind)?.(object) ?? []).filter(({ name }) => name !== '');
}

type Reader = (object: LintedObject) => NamedReference[];

const byKind: Readonly<Record<string, Reader>> = {
  HostedCluster: (object) => [
    ...one(object, 'Secret', ['spec', 'pullSecret', 'name'], { keys: ['.dockerconfigjson'] }),
    ...one(object, 'Secret', ['spec', 'sshKey', 'name'], { keys: ['id_rsa.pub'] }),
    ...one(object, 'ConfigMap', ['spec', 'additionalTrustBundle', 'name'], { keys: ['ca-bundle.crt'] }),
    ...one(object, 'Secret', ['spec', 'secretEncryption', 'aescbc', 'activeKey', 'name'], { keys: ['key'] }),
    ...one(object, 'ConfigMap', ['spec', 'configuration', 'proxy', 'trustedCA', 'name'], { keys: ['ca-bundle.crt'] }),
    ...one(object, 'ConfigMap', ['spec', 'configuration', 'image', 'additionalTrustedCA', 'name']),
    ...one(object, 'StorageClass', ['spec', 'etcd', 'managed', 'storage', 'persistentVolume', 'storageClassName'], {
      namespaces: [undefined],
    }),
    ...one(object, 'Namespace', ['spec', 'platform', 'agent', 'agentNamespace'], { namespaces: [undefined] }),
    ...listAt(object.value, 'spec', 'configuration', 'apiServer', 'servingCerts', 'namedCertificates').flatMap(
      (_, at) =>
        one(object, 'Secret', [
          ...['spec', 'configuration', 'apiServer', 'servingCerts', 'namedCertificates'],
          at,
          ...['servingCertificate', 'name'],
        ]),
    ),
  ],
  NodePool: (object) => [
    ...one(object, 'HostedCluster', ['spec', 'clusterName']),
    ...maps(object, ['spec', 'config'], ['config']),
    ...maps(object, ['spec', 'tuningConfig'], ['tuning']),
  ],
  InfraEnv: (object) => [
    ...one(object, 'Secret', ['spec', 'pullSecretRef', 'name'], { keys: ['.dockerconfigjson'] }),
    ...one(object, 'ConfigMap', ['spec', 'mirrorRegistryRef', 'name'], {
      keys: ['registries.conf'],
      namespaces: [textAt(object.value, 'spec', 'mirrorRegistryRef', 'namespace')],
    }),
  ],
  BareMetalHost: (object) => [
    ...one(object, 'Secret', ['spec', 'bmc', 'credentialsName'], { keys: ['username', 'password'] }),
    ...one(object, 'InfraEnv', ['metadata', 'labels', 'infraenvs.agent-install.openshift.io']),
  ],
  AgentServiceConfig: (object) => [
    ...['databaseStorage', 'filesystemStorage', 'imageStorage'].flatMap((volume) =>
      one(object, 'StorageClass', ['spec', volume, 'storageClassName'], { namespaces: [undefined] }),
    ),
    ...one(object, 'ConfigMap', ['spec', 'mirrorRegistryRef', 'name'], {
      keys: ['registries.conf'],
      namespaces: assistedNamespaces,
    }),
    ...one(object, 'ConfigMap', ['metadata', 'annotations', overrideAnnotation], { namespaces: assistedNamespaces }),
    ...one(object, 'ConfigMap', ['spec', 'OSImageCACertRef', 'name'], {
      keys: ['tls.crt'],
      namespaces: assistedNamespaces,
    }),
    ...one(object, 'Secret', ['spec', 'OSImageAdditionalParamsRef', 'name'], { namespaces: assistedNamespaces }),
  ],
  Image: (object) =>
    one(object, 'ConfigMap', ['spec', 'additionalTrustedCA', 'name'], { namespaces: ['openshift-config'] }),
  Proxy: (object) =>
    one(object, 'ConfigMap', ['spec', 'trustedCA', 'name'], {
      keys: ['ca-bundle.crt'],
      namespaces: ['openshift-config'],
    }),
  Subscription: (object) =>
    one(object, 'CatalogSource', ['spec', 'source'], {
      namespaces: [textAt(object.value, 'spec', 'sourceNamespace')],
    }),
  CatalogSource: (object) =>
    listAt(object.value, 'spec', 'secrets').flatMap((_, at) => one(object, 'Secret', ['spec', 'secrets', at])),
  MultiClusterEngine: (object) =>
    one(object, 'Secret', ['spec', 'imagePullSecret'], {
      namespaces: [textAt(object.value, 'spec', 'targetNamespace') ?? 'multicluster-engine'],
    }),
  L2Advertisement: (object) =>
    listAt(object.value, 'spec', 'ipAddressPools').flatMap((_, at) =>
      one(object, 'IPAddressPool', ['spec', 'ipAddressPools', at]),
    ),
  Service: (object) =>
    ['metallb.io/address-pool', 'metallb.universe.tf/address-pool'].flatMap((key) =>
      one(object, 'IPAddressPool', ['metadata', 'annotations', key], { namespaces: [] }),
    ),
  Deployment: (object) =>
    listAt(object.value, 'spec', 'template', 'spec', 'volumes').flatMap((_, at) =>
      volumeKinds.flatMap((kind) =>
        one(object, kind, [
          ...['spec', 'template', 'spec', 'volumes', at],
          ...(kind === 'Secret' ? ['secret', 'secretName'] : ['configMap', 'name']),
        ]),
      ),
    ),
};

const readers = new Map(Object.entries(byKind));

function one(
  { value, namespace }: LintedObject,
  kind: string,
  path: FieldPath,
  { keys = [], namespaces = [namespace] }: Partial<Pick<NamedReference, 'keys' | 'namespaces'>> = {},
): NamedReference[] {
  const name = textAt(value, ...path);
  return name === undefined ? [] : [{ kind, name, namespaces, path, keys }];
}

/** Entries of a list, each with the name of a ConfigMap. */
function maps(object: LintedObject, path: FieldPath, keys: readonly string[]): NamedReference[] {
  return listAt(object.value, ...path).flatMap((_, at) => one(object, 'ConfigMap', [...path, at, 'name'], { keys }));
}

/** The values of a record that are texts. */
export function textsOf(value: unknown, path: FieldPath): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(recordAt(value, ...path)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
