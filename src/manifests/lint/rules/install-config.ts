import { findNetwork } from '../../../core/ip.ts';
import { type AddFault, listAt, recordAt, textAt, valueAt } from '../faults.ts';
import { lintRules } from '../mirror-grammar.ts';
import { lintCertificates } from './config-maps.ts';
import { lintPullSecret } from './secrets.ts';

/** Whether it is the installer's own configuration, which has no kind. */
export function isInstallConfig(value: unknown): boolean {
  const fields = recordAt(value);
  return (
    fields['apiVersion'] === 'v1' &&
    fields['kind'] === undefined &&
    'baseDomain' in fields &&
    ['platform', 'controlPlane', 'pullSecret', 'compute'].some((name) => name in fields)
  );
}

/** install-config.yaml: what it says of mirror, CA, credentials and networks; the rest is the installer's to judge. */
export function lintInstallConfig(value: unknown, add: AddFault): void {
  for (const list of ['imageDigestSources', 'imageContentSources']) lintRules(value, [list], add);
  const bundle = textAt(value, 'additionalTrustBundle');
  if (bundle !== undefined) lintCertificates(bundle, ['additionalTrustBundle'], add);
  // Without a proxy the usual policy refers to the bundle nowhere.
  if (
    bundle !== undefined &&
    valueAt(value, 'proxy') === undefined &&
    valueAt(value, 'additionalTrustBundlePolicy') !== 'Always'
  )
    add(
      'LINT_PROXY',
      ['additionalTrustBundle'],
      'without a proxy the cluster does not trust the bundle as a whole',
      'set additionalTrustBundlePolicy: Always',
      'info',
    );
  const secret = textAt(value, 'pullSecret');
  if (secret !== undefined) lintPullSecret(secret, ['pullSecret'], add);
  lintNetworks(value, add);
}

/** The installer refuses a prefix with bits beyond its length, the API server of the cluster does not. @see openshift/installer, "pkg/validate", SubnetCIDR */
function lintNetworks(value: unknown, add: AddFault): void {
  for (const list of ['machineNetwork', 'clusterNetwork', 'serviceNetwork'])
    listAt(value, 'networking', list).forEach((entry, index) => {
      const text = typeof entry === 'string' ? entry : textAt(entry, 'cidr');
      const network = text === undefined ? undefined : findNetwork(text);
      if (network !== undefined)
        add(
          'LINT_NETWORK',
          ['networking', list, index, ...(typeof entry === 'string' ? [] : ['cidr'])],
          `${text} is an address in a network, which the installer refuses; the network is ${network}`,
          `write ${network}`,
        );
    });
}
