import type { Finding } from '../core/findings.ts';
import { canonicalJson } from '../core/json.ts';
import { formatReference, parseReference } from '../oci/index.ts';
import type { MirroredContent } from './cluster-resources.ts';
import { type LintedObject, listAt, recordAt, textAt, valueAt } from './lint/faults.ts';
import { applyRules } from './lint/lint.ts';
import { type NamedReference, referencesOf } from './lint/references.ts';
import { nodeConfigFaults } from './node-config.ts';
import { hasPackage } from './operators.ts';
import { describeResource, type Resource } from './resource.ts';
import { knownKinds } from './schema/kinds.ts';
import { metadataFaults } from './schema/metadata.ts';
import { validateResource } from './schema/validate.ts';
import type { ManifestStage } from './stages.ts';
import { targetRepository } from './target.ts';

/** What is found wrong with emitted objects, each with one sentence. */
export const emitCodes = {
  EMIT_SCHEMA: 'An emitted object does not fit the schema of its kind.',
  EMIT_REFERENCE: 'An emitted object names another one that is not there.',
  EMIT_NAMESPACE: 'An emitted object lies in a namespace that nobody makes.',
  EMIT_NOT_MIRRORED: 'An emitted object names an image that the mirror does not hold.',
  EMIT_NODE_CONFIG: 'Configuration of nodes that a node pool does not take, or more of it than it takes.',
  EMIT_DOUBLED: 'Two emitted objects of one name differ: the second would replace the first.',
  EMIT_SSH_KEY: 'An SSH key that a cluster in FIPS mode does not take.',
  EMIT_VERSION: 'Versions that do not go together, as far as is known without asking the cluster.',
  EMIT_PACKAGE_MISSING: 'An operator that the site needs is in no mirrored catalog.',
} as const;

export type EmitCode = keyof typeof emitCodes;

/** Namespaces that every cluster of this kind has. */
const given = /^(openshift-.*|kube-.*|default|local-cluster|hypershift|multicluster-engine)$/;

/**
 * Rules over all objects of a site: schemas, names that are referred to exist in the right namespace, images by digest are at the mirror.
 * `wantedPackages` are operators that the site cannot do without.
 */
export function validateStages(
  stages: readonly ManifestStage[],
  content: MirroredContent,
  wantedPackages: readonly string[] = [],
): Finding[] {
  const findings: Finding[] = [];
  const add = (
    code: EmitCode,
    subject: string,
    message: string,
    hint: string,
    severity: Finding['severity'] = 'error',
  ) => findings.push({ code, severity, subject, message, hint });
  const placed = stages.flatMap((stage) =>
    stage.files.flatMap((file) =>
      file.resources.map((resource) => ({
        resource,
        where: stage.cluster === 'management' ? '' : stage.cluster.hosted,
      })),
    ),
  );
  const resources = placed.map(({ resource }) => resource);
  const there = new Set(
    placed.map(({ resource, where }) =>
      keyOf(where, resource.kind, resource.metadata.namespace, resource.metadata.name),
    ),
  );
  for (const { resource, where } of placed) {
    const subject = describeResource(resource);
    const schema = knownKinds().get(`${resource.apiVersion} ${resource.kind}`);
    for (const fault of [...metadataFaults(resource.metadata), ...(schema ? validateResource(resource, schema) : [])])
      add('EMIT_SCHEMA', subject, `${subject}: ${fault.path} ${fault.message}`, 'report it with the site file');
    for (const message of ruleFaults(resource))
      add('EMIT_SCHEMA', subject, `${subject}: ${message}`, 'correct the site file');
    for (const { kind, name, namespaces } of emittedReferences(resource))
      if (!namespaces.some((namespace) => there.has(keyOf(where, kind, namespace, name))))
        add(
          'EMIT_REFERENCE',
          subject,
          `${subject} names ${kind} ${namespaces[0] ? `${namespaces[0]}/` : ''}${name}, which is not emitted`,
          'correct the site file',
        );
    const { namespace } = resource.metadata;
    // Where CAs are injected is for the user's own namespaces.
    const users = textAt(resource, 'metadata', 'labels', 'config.openshift.io/inject-trusted-cabundle') !== undefined;
    if (
      !users &&
      where === '' &&
      namespace !== undefined &&
      !given.test(namespace) &&
      !there.has(keyOf(where, 'Namespace', undefined, namespace))
    )
      add(
        'EMIT_NAMESPACE',
        subject,
        `nobody makes namespace ${namespace} of ${subject}`,
        'make it, or choose another one',
        'warning',
      );
    for (const image of imagesOf(resource))
      if (!isMirrored(image, content))
        add(
          'EMIT_NOT_MIRRORED',
          subject,
          `${subject} needs ${image}, which was not mirrored`,
          'add it to the image set, build, carry and load, then emit again',
        );
    if (
      resource.kind === 'HostedCluster' &&
      valueAt(resource, 'spec', 'fips') === true &&
      hasEd25519(resource, resources)
    )
      add(
        'EMIT_SSH_KEY',
        subject,
        `${subject} runs in FIPS mode, which knows no ed25519 keys`,
        'use an RSA or ECDSA key',
      );
    const image = resource.kind === 'InfraEnv' ? findMissingOsImage(resource, resources) : undefined;
    if (image !== undefined)
      add(
        'EMIT_NOT_MIRRORED',
        subject,
        `${subject} boots a live image of ${image}, and none was carried`,
        'build with the RHCOS files of that release and architecture (--rhcos), carry and load',
        'warning',
      );
    if (resource.kind === 'NodePool')
      for (const { message, hint } of nodeConfigFaults(resource, resources))
        add('EMIT_NODE_CONFIG', subject, `${subject} ${message}`, hint);
  }
  for (const subject of doubled(placed))
    add('EMIT_DOUBLED', subject, `${subject} is emitted twice with different content`, 'rename one of the two');
  for (const name of wantedPackages.filter((one) => !hasPackage(one, content)))
    add(
      'EMIT_PACKAGE_MISSING',
      name,
      `${name} is in no mirrored catalog, and is not installed by these files`,
      'add it to the operators of the image set, or install it another way',
      'warning',
    );
  // A node pool is emitted twice, empty and with its hosts: what is wrong with it is told once.
  return [...new Map(findings.map((finding) => [canonicalJson(finding), finding])).values()];
}

/** The version and architecture that an InfraEnv asks the assisted service for, when the service is given no such image. */
function findMissingOsImage(env: Resource, resources: readonly Resource[]): string | undefined {
  const service = resources.find(({ kind }) => kind === 'AgentServiceConfig');
  const [version, architecture] = ['osImageVersion', 'cpuArchitecture'].map((field) => textAt(env, 'spec', field));
  const found = listAt(service, 'spec', 'osImages').some(
    (one) =>
      textAt(one, 'cpuArchitecture') === architecture &&
      (version === undefined || textAt(one, 'openshiftVersion') === version),
  );
  return found || !service ? undefined : [version, architecture].filter(Boolean).join(' for ');
}

function hasEd25519(cluster: Resource, resources: readonly Resource[]): boolean {
  const name = textAt(cluster, 'spec', 'sshKey', 'name');
  const secret = resources.find(({ kind, metadata }) => kind === 'Secret' && metadata.name === name);
  return /^(sk-)?ssh-ed25519/.test(Buffer.from(textAt(secret, 'data', 'id_rsa.pub') ?? '', 'base64').toString());
}

function linted(resource: Resource): LintedObject {
  const { apiVersion, kind, metadata } = resource;
  return { apiVersion, kind, name: metadata.name, namespace: metadata.namespace, value: resource };
}

/** The objects that it names, of those that have to be emitted with it: pools of addresses may be anywhere, storage is the site's own. */
function emittedReferences(resource: Resource): NamedReference[] {
  return referencesOf(linted(resource)).filter(
    ({ kind, namespaces }) => kind !== 'StorageClass' && namespaces.length > 0,
  );
}

/** What the linter would call an error in it: what API servers and operators refuse though the schema lets it pass. */
function ruleFaults(resource: Resource): string[] {
  const found: string[] = [];
  applyRules(linted(resource), (_code, _path, message, _hint, severity = 'error') => {
    if (severity === 'error') found.push(message);
  });
  return found;
}

/** Objects of one name and different content. Node pools come twice on purpose: empty, and with their hosts. */
function doubled(placed: readonly { readonly resource: Resource; readonly where: string }[]): string[] {
  const seen = new Map<string, string>();
  const found = new Set<string>();
  for (const { resource, where } of placed) {
    const { kind, metadata } = resource;
    const key = keyOf(where, `${resource.apiVersion} ${kind}`, metadata.namespace, metadata.name);
    const text = canonicalJson(resource);
    if (kind !== 'NodePool' && (seen.get(key) ?? text) !== text) found.add(describeResource(resource));
    seen.set(key, text);
  }
  return [...found];
}

function keyOf(cluster: string, kind: string, namespace: string | undefined, name: string): string {
  return `${cluster} ${kind} ${namespace ?? ''}/${name}`;
}

/** The images that an object names and that nothing else checks. */
function imagesOf(resource: Resource): string[] {
  const release = textAt(resource, 'spec', 'release', 'image');
  const containers = resource.kind === 'Deployment' ? listAt(resource, 'spec', 'template', 'spec', 'containers') : [];
  const annotation = recordAt(resource, 'metadata', 'annotations')[
    'hypershift.openshift.io/control-plane-operator-image'
  ];
  return [
    ...(release === undefined ? [] : [release]),
    ...(typeof annotation === 'string' ? [annotation] : []),
    ...containers.map((container) => valueAt(container, 'image')).filter((image) => typeof image === 'string'),
  ];
}

/** Whether the image is at the mirror: by the mirror's own name and digest, or by an origin that mirror sets lead there. */
function isMirrored(text: string, content: MirroredContent): boolean {
  const wanted = parseReference(text);
  return content.images.some((image) => {
    if (image.targets.length === 0) return false;
    if (wanted.registry !== content.target.registry) return image.origin === formatReference(wanted);
    return (
      image.digest === wanted.digest &&
      image.targets.some(({ repository }) => targetRepository(repository, content.target) === wanted.repository)
    );
  });
}
