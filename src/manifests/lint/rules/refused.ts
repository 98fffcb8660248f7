import { type AddFault, type FieldPath, isPlaceholder, type LintedObject, listAt, textAt, valueAt } from '../faults.ts';

// What a current API server refuses by the rules of the kinds (CEL), which their schemas alone let pass. Servers before 1.30 store it.

const domain = /^(?:(?:[a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}|[a-zA-Z0-9-]+)$/;
const dotted = /^(?:[a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}$/;
const endpoint =
  /^(?:(?:[a-zA-Z0-9][-a-zA-Z0-9]*\.)+[a-zA-Z]{2,}|localhost|(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F:]*:[0-9a-fA-F:]*)$/;
const image = /^\w+\S+$/;
const pausedUntil = /^(?:\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}.*|true|false|True|False)$/;
const registryName =
  /^\*(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)+$|^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const taintKey =
  /^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** A field of text and the form that it has to have. */
interface TextRule {
  readonly path: FieldPath;
  readonly form: RegExp;
  readonly hint: string;
}

const releaseImage: TextRule = {
  path: ['spec', 'release', 'image'],
  form: image,
  hint: 'write host[:port]/path@sha256:…, with a DNS name and without blanks',
};
const paused: TextRule = {
  path: ['spec', 'pausedUntil'],
  form: pausedUntil,
  hint: 'write "true" or a time as in RFC 3339, or leave it out',
};

const clusterTexts: readonly TextRule[] = [
  releaseImage,
  { ...releaseImage, path: ['spec', 'controlPlaneRelease', 'image'] },
  paused,
  ...['dns.baseDomain', 'dns.baseDomainPrefix', 'kubeAPIServerDNSName'].map((name) => ({
    path: ['spec', ...name.split('.')],
    form: domain,
    hint: 'write a domain name whose last label has two letters or more',
  })),
  {
    path: ['spec', 'updateService'],
    form: /^[a-z][a-z0-9+.-]*:\/\/[^/\s]/i,
    hint: 'write a whole URL, with its scheme',
  },
];

/** HostedCluster. */
export function lintRefusedHostedCluster({ value }: LintedObject, add: AddFault): void {
  checkTexts(value, clusterTexts, add);
  listAt(value, 'spec', 'services').forEach((_, index) => {
    lintStrategy(value, ['spec', 'services', index, 'servicePublishingStrategy'], add);
  });
  const restore = ['spec', 'etcd', 'managed', 'storage', 'restoreSnapshotURL'];
  const url = textAt(value, ...restore, 0);
  if (url !== undefined && !/^(https|s3):\/\//.test(url))
    add('LINT_SCHEMA', restore, `${url} is neither https nor s3`, 'offer the snapshot over one of them');
  const disabled = listAt(value, 'spec', 'capabilities', 'disabled');
  if (disabled.includes('Ingress') && !disabled.includes('Console'))
    add('LINT_SCHEMA', ['spec', 'capabilities', 'disabled'], 'Ingress is disabled without Console', 'disable both');
  if (listAt(value, 'spec', 'capabilities', 'enabled').some((one) => disabled.includes(one)))
    add('LINT_SCHEMA', ['spec', 'capabilities'], 'a capability is enabled and disabled', 'choose one of the two');
  lintRegistryNames(value, ['spec', 'configuration', 'image', 'registrySources'], add);
}

function lintStrategy(value: unknown, path: FieldPath, add: AddFault): void {
  const strategy = valueAt(value, ...path);
  const type = textAt(strategy, 'type');
  const own = { NodePort: 'nodePort', LoadBalancer: 'loadBalancer', Route: 'route' }[type ?? ''];
  for (const block of ['nodePort', 'loadBalancer', 'route'])
    if (type !== undefined && block !== own && valueAt(strategy, block) !== undefined)
      add('LINT_SERVICES', [...path, block], `${block} stands beside type ${type}`, 'keep the block of the type alone');
  const rules = [
    {
      path: ['nodePort', 'address'],
      form: endpoint,
      hint: 'write a host name with a dot, or an address without brackets',
    },
    { path: ['loadBalancer', 'hostname'], form: dotted, hint: 'write a host name with a dot' },
    { path: ['route', 'hostname'], form: dotted, hint: 'write a host name with a dot' },
  ];
  checkTexts(
    value,
    rules.map((rule) => ({ ...rule, path: [...path, ...rule.path] })),
    add,
  );
}

const poolTexts: readonly TextRule[] = [
  releaseImage,
  paused,
  {
    path: ['spec', 'clusterName'],
    form: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    hint: 'write the name of the HostedCluster: lower-case letters, digits and -',
  },
];

/** NodePool. */
export function lintRefusedNodePool({ value }: LintedObject, add: AddFault): void {
  checkTexts(value, poolTexts, add);
  const type = textAt(value, 'spec', 'platform', 'type');
  const arch = textAt(value, 'spec', 'arch');
  if (arch === 's390x' && type === 'Agent')
    add('LINT_ARCHITECTURE', ['spec', 'arch'], 's390x is for KubeVirt only', 'use amd64, arm64 or ppc64le');
  if (arch === 'arm64' && type === 'Agent' && valueAt(value, 'spec', 'platform', 'agent') === undefined)
    add('LINT_SCHEMA', ['spec', 'platform'], 'arm64 needs the block platform.agent', 'add agent: {}');
  const [min, max] = ['min', 'max'].map((name) => valueAt(value, 'spec', 'autoScaling', name));
  if (typeof min === 'number' && typeof max === 'number' && max < min)
    add('LINT_REPLICAS', ['spec', 'autoScaling'], `max ${max} is below min ${min}`, 'exchange them');
  if (min === 0 && type === 'Agent')
    add('LINT_REPLICAS', ['spec', 'autoScaling', 'min'], 'min 0 is for clouds only', 'use 1 or more');
  listAt(value, 'spec', 'taints').forEach((_, index) => {
    const path = ['spec', 'taints', index];
    const hint = 'use letters, digits, -, _ and .; a key may have a domain and / before it';
    checkTexts(
      value,
      [
        { path: [...path, 'key'], form: taintKey, hint },
        { path: [...path, 'value'], form: /^(?:(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/, hint },
      ],
      add,
    );
  });
}

/** `Image/cluster`. */
export function lintRefusedImage({ value }: LintedObject, add: AddFault): void {
  lintRegistryNames(value, ['spec', 'registrySources'], add);
}

function lintRegistryNames(value: unknown, path: FieldPath, add: AddFault): void {
  for (const list of ['allowedRegistries', 'blockedRegistries', 'insecureRegistries'])
    listAt(value, ...path, list).forEach((name, index) => {
      if (typeof name !== 'string' || isPlaceholder(name) || registryName.test(name)) return;
      add(
        'LINT_REGISTRY_LISTS',
        [...path, list, index],
        `${name} is no registry`,
        'write host[:port][/path] or *.domain',
      );
    });
}

/** ClusterCatalog. */
export function lintRefusedCatalog({ value }: LintedObject, add: AddFault): void {
  const path = ['spec', 'source', 'image'];
  const type = textAt(value, 'spec', 'source', 'type');
  if (type === 'Image' && valueAt(value, ...path) === undefined)
    add('LINT_CATALOGS', ['spec', 'source'], 'a source of type Image has no image', 'add image.ref');
  const ref = textAt(value, ...path, 'ref');
  if (ref === undefined) return;
  if (ref.includes('://')) add('LINT_CATALOGS', [...path, 'ref'], `${ref} has a scheme`, 'write host[:port]/path:tag');
  else if (!/@.*:|:[^/]*$/.test(ref))
    add('LINT_CATALOGS', [...path, 'ref'], `${ref} has neither tag nor digest`, 'name one of them');
  // What the server counts begins at the first colon, which is that of a port where there is one.
  else if (!ref.includes('@') && ref.length - ref.indexOf(':') - 1 > 127)
    add(
      'LINT_CATALOGS',
      [...path, 'ref'],
      `${ref} is too long behind its first colon`,
      'shorten path and tag to 127 characters',
    );
}

function checkTexts(value: unknown, rules: readonly TextRule[], add: AddFault): void {
  for (const { path, form, hint } of rules) {
    const text = textAt(value, ...path);
    // Empty values are the business of their own rules.
    if (text !== undefined && text !== '' && !form.test(text))
      add('LINT_SCHEMA', path, `${path.at(-1)} "${text}" is refused by current API servers`, hint);
  }
}
