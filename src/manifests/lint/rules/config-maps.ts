import { X509Certificate } from 'node:crypto';
import { parseYamlStream } from '../../../core/yaml.ts';
import { nodeConfigKinds } from '../../node-config.ts';
import {
  type AddFault,
  type FieldPath,
  isPlaceholder,
  type LintedObject,
  recordAt,
  textAt,
  valueAt,
} from '../faults.ts';
import { lintRegistriesConf } from '../registries-conf.ts';

/** ConfigMaps: CA bundles, registries.conf, node configuration, CA injection. */
export function lintConfigMap(object: LintedObject, add: AddFault): void {
  const data = recordAt(object.value, 'data');
  for (const [key, value] of Object.entries(data)) {
    if (typeof value !== 'string') continue;
    if (value.includes('-----BEGIN')) {
      lintCertificates(value, ['data', key], add);
      if (object.name === 'registry-config') lintServerName(value, key, add);
    }
    if (!/^[-._a-zA-Z0-9]{1,253}$/.test(key) || key.startsWith('..'))
      add(
        'LINT_REGISTRY_KEY',
        ['data', key],
        `"${key}" is no key of a ConfigMap`,
        'join host and port with two dots: registry.example.com..5000',
      );
  }
  if (typeof data['registries.conf'] === 'string') lintEmbeddedConf(object, data['registries.conf'], add);
  if (object.name === 'registry-config') lintRegistryConfig(object, add);
  if (object.name === 'hypershift-operator-install-flags') lintInstallFlags(object, add);
  if (typeof data['config'] === 'string' && !isPlaceholder(data['config'])) lintNodeConfig(data['config'], add);
  if (
    textAt(object.value, 'metadata', 'labels', 'config.openshift.io/inject-trusted-cabundle') === 'true' &&
    Object.keys(data).length > 0
  )
    add(
      'LINT_CA_INJECTION',
      ['data'],
      'the cluster owns the data of this ConfigMap and wipes other keys',
      'leave data out',
    );
}

function lintRegistryConfig({ namespace, value }: LintedObject, add: AddFault): void {
  if (namespace !== undefined && namespace !== 'openshift-config')
    add(
      'LINT_NAMESPACE',
      ['metadata', 'namespace'],
      `nobody looks for registry-config in ${namespace}`,
      'put it into openshift-config',
    );
  for (const key of Object.keys(recordAt(value, 'data')))
    if (/[^.]\.\d{2,5}$/.test(key) && !/^\d+(\.\d+){3}$/.test(key))
      add(
        'LINT_REGISTRY_KEY',
        ['data', key],
        `"${key}" ends like a port behind one dot`,
        'join host and port with two dots: registry.example.com..5000',
        'warning',
      );
}

/** The operator waits for a Secret that only telemetry needs, unless telemetry is left out. */
function lintInstallFlags({ value }: LintedObject, add: AddFault): void {
  const flag = '--enable-uwm-telemetry-remote-write';
  if (
    textAt(value, 'data', 'installFlagsToAdd')?.includes(flag) ||
    !textAt(value, 'data', 'installFlagsToRemove')?.includes(flag)
  )
    add(
      'LINT_INSTALL_FLAGS',
      ['data'],
      `${flag} is not taken away`,
      `write installFlagsToRemove: "${flag}": without internet the operator does nothing otherwise`,
      'warning',
    );
}

function lintEmbeddedConf({ namespace, name, value }: LintedObject, conf: string, add: AddFault): void {
  const path = ['data', 'registries.conf'];
  const service =
    valueAt(value, 'metadata', 'labels', 'app') === 'assisted-service' || /mirror-registr|custom-registries/.test(name);
  if (
    service &&
    namespace !== undefined &&
    !['multicluster-engine', 'assisted-installer', 'rhacm', 'open-cluster-management'].includes(namespace)
  )
    add(
      'LINT_NAMESPACE',
      ['metadata', 'namespace'],
      `the assisted service does not look into ${namespace}`,
      'put it into multicluster-engine',
      'warning',
    );
  if (isPlaceholder(conf) || /^\s*\.\.\.\s*$/m.test(conf)) return;
  for (const finding of lintRegistriesConf('', conf, { assistedService: service }))
    add(finding.code, path, finding.message, finding.hint ?? '', finding.severity);
}

function lintNodeConfig(text: string, add: AddFault): void {
  let kinds: unknown[];
  try {
    kinds = parseYamlStream(text).map((value) => valueAt(value, 'kind'));
  } catch {
    return;
  }
  for (const kind of kinds) {
    // Other ConfigMaps have a key of this name too; only what looks like a node's mirror set is judged.
    if (kind === 'ImageTagMirrorSet')
      add(
        'LINT_NODE_CONFIG',
        ['data', 'config'],
        `a NodePool takes no ${kind}`,
        `it takes ${nodeConfigKinds.join(', ')}; write tag mirrors as a file of a MachineConfig`,
      );
  }
}

/** A server's own certificate as its CA: without a subject alternative name no Go program accepts it, whatever curl and Node say. */
function lintServerName(text: string, key: string, add: AddFault): void {
  const host = key.replace(/\.\.\d+$/, '');
  for (const block of text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []) {
    const certificate = readCertificate(block);
    if (certificate?.subject?.split('\n').includes(`CN=${host}`) && certificate.subjectAltName === undefined)
      add(
        'LINT_CA_PEM',
        ['data', key],
        `the certificate of ${host} has no subject alternative name`,
        'make it anew with one: components of the cluster refuse it ("relies on legacy Common Name field")',
      );
  }
}

function readCertificate(block: string): X509Certificate | undefined {
  try {
    return new X509Certificate(block.replace(/^[ \t]+/gm, ''));
  } catch {
    return undefined;
  }
}

/** CA text as Go, OpenSSL and GnuTLS read it: where they differ, somebody in the cluster loads nothing. */
export function lintCertificates(text: string, path: FieldPath, add: AddFault): void {
  if (!text.endsWith('\n'))
    add(
      'LINT_CA_NEWLINE',
      path,
      'the last certificate has no final newline',
      'use a block scalar with "|", not "|-": values are put together',
      'warning',
    );
  if (/-----END [A-Z ]+----------BEGIN/.test(text))
    add('LINT_CA_PEM', path, 'two certificates are glued on one line', 'put each on lines of its own');
  if (/^[ \t]+-----BEGIN/m.test(text))
    add('LINT_CA_PEM', path, 'a certificate is indented', 'correct the indentation of the YAML');
  if (text.startsWith('\ufeff')) add('LINT_CA_PEM', path, 'there is a byte order mark', 'save the file without one');
  if (text.includes('BEGIN TRUSTED CERTIFICATE'))
    add('LINT_CA_PEM', path, 'a TRUSTED CERTIFICATE is read by OpenSSL only', 'export it as CERTIFICATE');
  for (const block of text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []) {
    const body = block.replace(/-----[A-Z ]+-----/g, '').replace(/\s/g, '');
    // Samples cut the body short.
    if (body.length < 200 || !/^[A-Za-z0-9+/=]+$/.test(body)) continue;
    if (!readCertificate(block)) add('LINT_CA_PEM', path, 'a certificate cannot be read', 'copy it again');
  }
}
