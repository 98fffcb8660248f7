import { type AddFault, type LintedObject, valueAt } from '../faults.ts';

/** Objects of which a cluster reads one only, by kind. */
const onlyNames: Readonly<Record<string, string>> = {
  OperatorHub: 'cluster',
  Provisioning: 'provisioning-configuration',
};

/** OperatorHub and Provisioning under another name are stored, and nobody reads them. */
export function lintOnlyName({ kind, name }: LintedObject, add: AddFault): void {
  const wanted = onlyNames[kind];
  if (wanted !== undefined && name !== '' && name !== wanted)
    add('LINT_NAME', ['metadata', 'name'], `only ${kind}/${wanted} is read`, `name it "${wanted}"`);
}

/** ConfigMaps that are looked for in one namespace only. */
export function lintMapNamespace({ name, namespace, value }: LintedObject, add: AddFault): void {
  const signatures = valueAt(value, 'metadata', 'labels', 'release.openshift.io/verification-signatures') !== undefined;
  const agent = /^hypershift-(operator-install-flags|override-images)$/.test(name);
  const wanted = signatures ? 'openshift-config-managed' : agent ? 'local-cluster' : undefined;
  if (wanted !== undefined && namespace !== undefined && namespace !== wanted)
    add(
      'LINT_NAMESPACE',
      ['metadata', 'namespace'],
      `nobody looks for ${name} in ${namespace}`,
      `put it into ${wanted}`,
    );
}
