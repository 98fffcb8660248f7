import { parseReference, type Reference } from '../../../oci/index.ts';
import { registryConfigKey } from '../../registry-trust.ts';
import { type FieldPath, type LintedObject, listAt, recordAt, textAt } from '../faults.ts';
import { type LintedRule, readRules } from '../mirror-grammar.ts';
import { textsOf } from '../references.ts';
import { confSources } from '../registries-conf.ts';
import { lintMirrorSetsTogether } from '../rules/mirrors.ts';
import { dockerConfigOf } from '../rules/secrets.ts';
import { annotationsPath, type LintedEntry, type ObjectSet } from './object-set.ts';

/** Registries outside of any site. */
const internet =
  /(^|\.)(quay\.io|redhat\.io|access\.redhat\.com|connect\.redhat\.com|docker\.io|gcr\.io|ghcr\.io|k8s\.io|icr\.io|ci\.openshift\.org)$/;
const releaseSource = 'quay.io/openshift-release-dev/ocp-release';
const payloadSource = 'quay.io/openshift-release-dev/ocp-v4.0-art-dev';

/** Mirror sets against everything that has to be pulled through them, and against trust and credentials for the mirror. */
export function lintMirrors(set: ObjectSet): void {
  lintMirrorSetsTogether(set.entries);
  const rules = readClusterRules(set);
  if (rules.length > 0) {
    for (const entry of set.entries) lintCoverage(entry, rules);
    lintPayloadRules(set, rules);
    lintRegistryCas(set, rules);
  }
  for (const entry of set.of('HostedCluster')) {
    lintReleasePlace(entry, [...rules, ...hostedRules(entry.object)]);
    lintCredentials(entry, set);
  }
}

interface Rule extends LintedRule {
  /** Pulls by which name the rule serves. */
  readonly serves: 'digest' | 'tag';
}

function readClusterRules(set: ObjectSet): Rule[] {
  const lists: readonly [kind: string, field: string, serves: Rule['serves']][] = [
    ['ImageDigestMirrorSet', 'imageDigestMirrors', 'digest'],
    ['ImageContentSourcePolicy', 'repositoryDigestMirrors', 'digest'],
    ['ImageTagMirrorSet', 'imageTagMirrors', 'tag'],
  ];
  return lists.flatMap(([kind, field, serves]) =>
    set.of(kind).flatMap(({ object }) => readRules(object.value, ['spec', field]).map((rule) => ({ ...rule, serves }))),
  );
}

function hostedRules({ value }: LintedObject): Rule[] {
  return readRules(value, ['spec', 'imageContentSources']).map((rule) => ({ ...rule, serves: 'digest' }));
}

/** Images of the internet that no rule leads to the mirror. */
function lintCoverage({ object, add }: LintedEntry, rules: readonly Rule[]): void {
  const sources = new Set(rules.map(({ source }) => hostOf(source ?? '')));
  const mirrors = mirrorHosts(rules);
  for (const { path, text } of imagesOf(object)) {
    const image = readReference(text);
    if (!image || mirrors.has(image.registry)) continue;
    if (!internet.test(image.registry) && !sources.has(image.registry)) continue;
    const serves = image.digest === undefined ? 'tag' : 'digest';
    const covering = rules.filter(({ source }) => source !== undefined && covers(source, image));
    if (covering.some((rule) => rule.serves === serves)) continue;
    add(
      'LINT_NOT_COVERED',
      path,
      covering.length > 0
        ? `${text} is pulled by ${serves}, and the mirror sets for it serve ${serves === 'tag' ? 'digests' : 'tags'} only`
        : `no mirror set given here covers ${text}`,
      'name the image at the mirror, or add a rule for it',
      'warning',
    );
  }
}

/** The control plane pulls the payload on the management cluster, discovery by the assisted service's own file. */
function lintPayloadRules(set: ObjectSet, rules: readonly Rule[]): void {
  const lists = set.of('ConfigMap').flatMap((entry) => {
    const conf = textAt(entry.object.value, 'data', 'registries.conf');
    const sources = conf === undefined ? [] : confSources(conf);
    return sources.length > 0 ? [{ entry, sources, path: ['data', 'registries.conf'] as FieldPath }] : [];
  });
  const byDigest = rules.filter(({ serves }) => serves === 'digest').flatMap(({ source }) => source ?? []);
  const missing = (sources: readonly string[]): string[] =>
    [releaseSource, payloadSource].filter((name) => !sources.some((source) => coversName(source, name)));
  const lacking = missing(byDigest);
  if (lacking.length === 1)
    for (const { add } of set.of('HostedCluster'))
      add(
        'LINT_RELEASE_SOURCES',
        ['spec', 'release'],
        `the mirror sets given here do not cover ${lacking.join(' and ')}`,
        'add the rule to an ImageDigestMirrorSet: the control plane runs on the management cluster',
        'warning',
      );
  if (lacking.length > 0) return;
  for (const { entry, sources, path } of lists) {
    const absent = missing(sources);
    if (absent.length > 0)
      entry.add(
        'LINT_RELEASE_SOURCES',
        path,
        `no table for ${absent.join(' and ')}, which the mirror sets given here have`,
        'add it: discovery pulls by this file alone',
        'warning',
      );
  }
}

/** CAs of `Image/cluster` against the mirrors; a site-wide CA makes them unnecessary for pulls. */
function lintRegistryCas(set: ObjectSet, rules: readonly Rule[]): void {
  const named = set
    .of('Image')
    .flatMap(({ object }) => textAt(object.value, 'spec', 'additionalTrustedCA', 'name') ?? []);
  const names = named.length > 0 ? named : ['registry-config'];
  const maps = set
    .of('ConfigMap')
    .filter(({ object }) => object.namespace === 'openshift-config' && names.includes(object.name));
  const keys = maps.flatMap(({ object }) => Object.keys(recordAt(object.value, 'data')));
  if (set.of('Proxy').some(({ object }) => textAt(object.value, 'spec', 'trustedCA', 'name'))) return;
  for (const { add } of maps) {
    const missing = [...mirrorHosts(rules)].filter(
      (host) => !internet.test(hostName(host)) && !keys.includes(registryConfigKey(host)),
    );
    for (const host of missing)
      add(
        'LINT_REGISTRY_KEY',
        ['data'],
        `no key ${registryConfigKey(host)} for the mirror ${host}`,
        'add its CA: nodes and the HyperShift operator trust it by this map alone',
        'warning',
      );
  }
}

/** A release that is named at the mirror, but not where the rules for releases lead. */
function lintReleasePlace({ object, add }: LintedEntry, rules: readonly Rule[]): void {
  const path = ['spec', 'release', 'image'];
  const image = readReference(textAt(object.value, ...path) ?? '');
  if (!image || !mirrorHosts(rules).has(image.registry)) return;
  const wanted = rules
    .filter(({ source }) => source !== undefined && coversName(source, releaseSource))
    .flatMap(({ source = '', mirrors }) => mirrors.map(({ value }) => `${value}${restOf(source, releaseSource)}`));
  const place = `${image.registry}/${image.repository}`;
  if (wanted.length > 0 && !wanted.includes(place))
    add(
      'LINT_RELEASE_SOURCES',
      path,
      `the release is named in ${place}, and the mirror sets lead releases to ${[...new Set(wanted)].join(' and ')}`,
      'see where the release is, and correct the one that is wrong',
      'warning',
    );
}

/** The pull secret of a hosted cluster needs the mirror: credentials are looked up by the mirror's name. */
function lintCredentials({ object, add }: LintedEntry, set: ObjectSet): void {
  const path = ['spec', 'pullSecret', 'name'];
  const secrets = set.find('Secret', textAt(object.value, ...path) ?? '', [object.namespace]);
  const configs = secrets.flatMap((secret) => dockerConfigOf(secret) ?? []);
  if (configs.length === 0 || configs.length < secrets.length) return;
  const keys = configs.flatMap((config) => Object.keys(recordAt(config, 'auths')));
  const hosts = [...mirrorHosts(hostedRules(object))].filter((host) => !internet.test(hostName(host)));
  for (const host of hosts.filter((one) => !keys.some((key) => hostOf(key.replace(/^https?:\/\//, '')) === one)))
    add(
      'LINT_PULL_SECRET',
      path,
      `the pull secret has no entry for the mirror ${host}`,
      'add one, unless the mirror gives its images to everybody',
      'warning',
    );
}

/** The images that an object names and that a cluster pulls. */
function imagesOf({ kind, value }: LintedObject): { readonly path: FieldPath; readonly text: string }[] {
  const paths: FieldPath[] = [
    ...(['HostedCluster', 'NodePool'].includes(kind)
      ? [
          ['spec', 'release', 'image'],
          ['spec', 'controlPlaneRelease', 'image'],
        ]
      : []),
    ...(kind === 'HostedCluster'
      ? Object.keys(textsOf(value, annotationsPath))
          .filter((key) => /^hypershift\.openshift\.io\/.*-image$/.test(key))
          .map((key) => [...annotationsPath, key])
      : []),
    ...(kind === 'CatalogSource' ? [['spec', 'image']] : []),
    ...(kind === 'ClusterCatalog' ? [['spec', 'source', 'image', 'ref']] : []),
    ...(kind === 'UpdateService' ? [['spec', 'graphDataImage']] : []),
    ...(kind === 'AgentServiceConfig'
      ? listAt(value, 'spec', 'mustGatherImages').map((_, at) => ['spec', 'mustGatherImages', at, 'url'])
      : []),
    ...(['Deployment', 'DaemonSet', 'StatefulSet', 'Job'].includes(kind)
      ? listAt(value, 'spec', 'template', 'spec', 'containers').map((_, at) => [
          ...['spec', 'template', 'spec', 'containers'],
          at,
          'image',
        ])
      : []),
  ];
  return paths.flatMap((path) => {
    const text = textAt(value, ...path);
    return text === undefined ? [] : [{ path, text }];
  });
}

function readReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    // Short names and slips have rules of their own.
    return undefined;
  }
}

function covers(source: string, { registry, repository }: Reference): boolean {
  if (source.startsWith('*.')) return registry.endsWith(source.slice(1));
  return coversName(source, `${registry}/${repository}`);
}

function coversName(source: string, name: string): boolean {
  return `${name}/`.startsWith(`${source}/`);
}

function restOf(source: string, name: string): string {
  return name.slice(source.length);
}

function mirrorHosts(rules: readonly Rule[]): Set<string> {
  return new Set(rules.flatMap(({ mirrors }) => mirrors.map(({ value }) => hostOf(value))));
}

function hostOf(name: string): string {
  return name.split('/')[0] ?? '';
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, '');
}
