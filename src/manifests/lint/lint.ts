import { errorText } from '../../core/errors.ts';
import type { Finding } from '../../core/findings.ts';
import { findDoubledKey, LineCounter, parseAllDocuments } from '../../core/yaml.ts';
import { knownKinds } from '../schema/kinds.ts';
import { validateResource } from '../schema/validate.ts';
import type { LintCode } from './codes.ts';
import { type AddFault, type FieldPath, isPlaceholder, type LintedObject, textAt, valueAt } from './faults.ts';
import { hasRegistryTables, type LintFinding, lintRegistriesConf } from './registries-conf.ts';
import { lintAgentServiceConfig, lintInfraEnv, lintNmStateConfig } from './rules/assisted.ts';
import { lintBareMetalHost } from './rules/bare-metal-host.ts';
import { lintCatalogAnnotations } from './rules/catalog-annotations.ts';
import {
  lintAddressPool,
  lintAttachment,
  lintCatalogSource,
  lintClusterCatalog,
  lintDeployment,
  lintImageConfig,
  lintMachineConfig,
  lintNetwork,
  lintProxy,
} from './rules/cluster-config.ts';
import { lintConfigMap } from './rules/config-maps.ts';
import { lintHostedCluster } from './rules/hosted-cluster.ts';
import { isInstallConfig, lintInstallConfig } from './rules/install-config.ts';
import { lintMirrorSets } from './rules/mirrors.ts';
import { lintNodePool } from './rules/node-pool.ts';
import { lintMapNamespace, lintOnlyName } from './rules/placement.ts';
import {
  lintRefusedCatalog,
  lintRefusedHostedCluster,
  lintRefusedImage,
  lintRefusedNodePool,
} from './rules/refused.ts';
import { lintSecret } from './rules/secrets.ts';
import { lintService } from './rules/service.ts';
import type { LintedEntry } from './together/object-set.ts';
import { lintTogether } from './together/rules.ts';

type Rule = (object: LintedObject, add: AddFault) => void;

/** Rules by `group kind`; what the API server itself checks comes from the schemas. */
const rules: Readonly<Record<string, readonly Rule[]>> = {
  'config.openshift.io ImageDigestMirrorSet': [lintMirrorSets],
  'config.openshift.io ImageTagMirrorSet': [lintMirrorSets],
  'operator.openshift.io ImageContentSourcePolicy': [lintMirrorSets],
  'config.openshift.io Image': [lintImageConfig, lintRefusedImage],
  'config.openshift.io Proxy': [lintProxy],
  'config.openshift.io Network': [lintNetwork],
  'hypershift.openshift.io HostedCluster': [lintHostedCluster, lintRefusedHostedCluster, lintCatalogAnnotations],
  'hypershift.openshift.io NodePool': [lintNodePool, lintRefusedNodePool],
  'agent-install.openshift.io AgentServiceConfig': [lintAgentServiceConfig],
  'agent-install.openshift.io InfraEnv': [lintInfraEnv],
  'agent-install.openshift.io NMStateConfig': [lintNmStateConfig],
  'config.openshift.io OperatorHub': [lintOnlyName],
  'metal3.io Provisioning': [lintOnlyName],
  'metal3.io BareMetalHost': [lintBareMetalHost],
  'machineconfiguration.openshift.io MachineConfig': [lintMachineConfig],
  'k8s.cni.cncf.io NetworkAttachmentDefinition': [lintAttachment],
  'olm.operatorframework.io ClusterCatalog': [lintClusterCatalog, lintRefusedCatalog],
  'operators.coreos.com CatalogSource': [lintCatalogSource],
  'metallb.io IPAddressPool': [lintAddressPool],
  'apps Deployment': [lintDeployment],
  ' ConfigMap': [lintConfigMap, lintMapNamespace],
  ' Secret': [lintSecret],
  ' Service': [lintService],
};

/** A file to lint: its name tells a registries.conf from objects. */
export interface ManifestText {
  readonly file: string;
  readonly text: string;
}

/** Faults of one file. @see lintManifests */
export function lintManifest(file: string, text: string): Finding[] {
  return lintManifests([{ file, text }]);
}

/**
 * Faults of files with Kubernetes objects, or of registries.conf (by name): syntax, schema of the kind with unknown fields, and the known
 * traps of disconnected sites that the API server lets pass; then what shows only when objects of all the files are compared. Values left
 * to fill in are not judged. In the order of the files.
 */
export function lintManifests(files: readonly ManifestText[]): Finding[] {
  const found = files.map(({ file, text }) => {
    const findings: Finding[] = [];
    return { findings, entries: lintFile(file, text, findings) };
  });
  lintTogether(found.flatMap(({ entries }) => entries));
  return found.flatMap(({ findings }) => findings);
}

/** By its name, or, since drop-in files may have any, by its tables. */
function isRegistriesConf(file: string, text: string): boolean {
  return /registries.*\.conf$|registries\.conf\.d\//.test(file) || hasRegistryTables(text);
}

/** The objects of a file; its faults go into `findings`. */
function lintFile(file: string, text: string, findings: Finding[]): LintedEntry[] {
  if (isRegistriesConf(file, text)) {
    findings.push(...lintRegistriesConf(file, text));
    return [];
  }
  // Values of a template are not yet what they will be.
  const template = text.includes('{{');
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    version: '1.1',
    merge: true,
    logLevel: 'error',
    uniqueKeys: false,
  });
  const documents = Array.isArray(parsed) ? parsed : [];
  const entries: LintedEntry[] = [];
  for (const document of documents) {
    const place = (path: FieldPath) => {
      const range = rangeOf(document, path);
      const { line, col } = lines.linePos(range ?? document.range?.[0] ?? 0);
      return { file, line: Math.max(line, 1), column: Math.max(col, 1), path: formatPath(path) };
    };
    const syntax = (message: string, offset: number): void => {
      // Templates with {{…}} are no YAML; nothing can be said of them.
      if (template) return;
      const { line, col } = lines.linePos(offset);
      const found: LintFinding = {
        code: 'LINT_SYNTAX',
        severity: 'error',
        subject: file,
        message: message.split('\n')[0] ?? 'not YAML',
        place: { file, line: Math.max(line, 1), column: Math.max(col, 1), path: '' },
      };
      findings.push(found);
    };
    const [error] = document.errors;
    const doubled = error ? undefined : findDoubledKey(document);
    if (error || doubled) {
      if (error) syntax(error.message, error.pos[0]);
      else if (doubled) syntax(`the key "${doubled.key}" stands here twice`, doubled.offset);
      continue;
    }
    let value: unknown;
    try {
      value = document.toJS();
    } catch (thrown) {
      // Aliases that multiply, or that lead nowhere.
      syntax(errorText(thrown), document.range?.[0] ?? 0);
      continue;
    }
    if (value === null || value === undefined) continue;
    const add: AddFault = (code, path, message, hint, severity = 'error') => {
      findings.push({ code, severity, subject: file, message, hint, place: place(path) });
    };
    for (const { value: one, prefix } of itemsOf(value)) {
      const object = toObject(one);
      const at: AddFault = (code, path, message, hint, severity) =>
        add(code, [...prefix, ...path], message, hint, severity);
      if (!object) {
        if (isInstallConfig(one)) lintInstallConfig(one, at);
        else at('LINT_KIND', [], 'this is no Kubernetes object', 'every object has apiVersion and kind', 'info');
        continue;
      }
      lintObject(object, at, template);
      entries.push({ object, add: at });
    }
  }
  return entries;
}

/** In a template (`{{x}}`) values are not yet what they will be; only names of fields are judged by the schema. */
function lintObject(object: LintedObject, add: AddFault, template: boolean): void {
  const schema = knownKinds().get(`${object.apiVersion} ${object.kind}`);
  if (!schema) lintUnknownKind(object, add);
  for (const fault of schema ? validateResource(object.value, schema) : []) {
    const path = splitPath(fault.path);
    const found = valueAt(object.value, ...path);
    if (typeof found === 'string' && isPlaceholder(found)) continue;
    if (fault.path === 'metadata.namespace')
      add('LINT_CLUSTER_SCOPED', path, fault.message, 'take the namespace away: the API server drops it', 'warning');
    else if (template && fault.kind !== 'unknown') continue;
    else if (fault.kind === 'unknown')
      add(
        'LINT_UNKNOWN_FIELD',
        path,
        `${fault.path} is no field of ${object.kind}`,
        'correct the name, or take it away',
      );
    else
      add(
        'LINT_SCHEMA',
        fault.kind === 'missing' ? path.slice(0, -1) : path,
        `${fault.path} ${fault.message}`,
        'correct the value',
      );
  }
  applyRules(object, add);
}

/** A kind that its group does not have, while another one does, or that it has in another version; groups that are not known here are let be. */
function lintUnknownKind({ apiVersion, kind }: LintedObject, add: AddFault): void {
  const known = [...knownKinds().keys()].map((key) => key.split(' '));
  const group = apiVersion.split('/')[0];
  if (isPlaceholder(apiVersion) || !known.some(([other]) => other?.split('/')[0] === group)) return;
  const elsewhere = known.filter(([, name]) => name === kind).map(([other]) => other);
  if (elsewhere.length > 0)
    add(
      'LINT_KIND',
      ['apiVersion'],
      `${kind} is not known in ${apiVersion}`,
      `write ${elsewhere.join(' or ')}, unless the cluster serves this one too`,
      'warning',
    );
}

/** The rules for the kind of an object, without its schema. */
export function applyRules(object: LintedObject, add: AddFault): void {
  const group = object.apiVersion.includes('/') ? (object.apiVersion.split('/')[0] ?? '') : '';
  for (const rule of rules[`${group} ${object.kind}`] ?? []) rule(object, add);
}

function toObject(value: unknown): LintedObject | undefined {
  const apiVersion = valueAt(value, 'apiVersion');
  const kind = valueAt(value, 'kind');
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined;
  return {
    apiVersion,
    kind,
    name: textAt(value, 'metadata', 'name') ?? '',
    namespace: textAt(value, 'metadata', 'namespace'),
    value: value as Readonly<Record<string, unknown>>,
  };
}

/** The objects of a `List`, or the object itself. */
function itemsOf(value: unknown): { readonly value: unknown; readonly prefix: FieldPath }[] {
  const items = valueAt(value, 'items');
  if (!/List$/.test(String(valueAt(value, 'kind'))) || !Array.isArray(items)) return [{ value, prefix: [] }];
  return items.map((item: unknown, index) => ({ value: item, prefix: ['items', index] }));
}

/** `spec.osImages[0].url` and keys with dots that were joined by validateResource; the longest known way is taken. */
function splitPath(text: string): (string | number)[] {
  return [...text.matchAll(/[^.[\]]+|\[(\d+)\]/g)].map(([part, index]) => (index === undefined ? part : Number(index)));
}

function formatPath(path: FieldPath): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}

/** Offset of the deepest node on the path that is there. */
function rangeOf(
  document: { getIn(path: readonly unknown[], keepScalar?: boolean): unknown },
  path: FieldPath,
): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range))
      return Number(node.range[0]);
  }
  return undefined;
}

export type { LintCode };
