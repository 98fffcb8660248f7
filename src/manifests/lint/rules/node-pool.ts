import { type AddFault, type LintedObject, listAt, textAt, valueAt } from '../faults.ts';
import { lintReleaseImage } from './hosted-cluster.ts';

const goDuration = /^[+-]?(?:0|(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/;

/** NodePool. */
export function lintNodePool({ value, kind }: LintedObject, add: AddFault): void {
  lintReleaseImage(value, add);
  for (const field of ['nodeDrainTimeout', 'nodeVolumeDetachTimeout']) {
    const text = valueAt(value, 'spec', field);
    if (typeof text === 'string' && !goDuration.test(text))
      add(
        'LINT_DURATION',
        ['spec', field],
        `"${text}" is not a duration`,
        'write a number with a unit, such as 30m or 0s: one such object stops the operator for every node pool',
      );
  }
  const replicas = valueAt(value, 'spec', 'replicas') !== undefined;
  const scaling = valueAt(value, 'spec', 'autoScaling') !== undefined;
  if (replicas === scaling)
    add(
      'LINT_REPLICAS',
      ['spec'],
      replicas ? 'replicas and autoScaling exclude each other' : `${kind} has neither replicas nor autoScaling`,
      'set one of the two',
      replicas ? 'error' : 'warning',
    );
  if (
    textAt(value, 'spec', 'management', 'upgradeType') === 'Replace' &&
    valueAt(value, 'spec', 'management', 'inPlace') !== undefined
  )
    add(
      'LINT_SCHEMA',
      ['spec', 'management', 'inPlace'],
      'inPlace is refused with upgradeType Replace',
      'take it away',
    );
  if (valueAt(value, 'metadata', 'namespace') === undefined)
    add('LINT_NAMESPACE', ['metadata'], 'the NodePool names no namespace', 'use that of its HostedCluster', 'warning');
  if (listAt(value, 'spec', 'config').length > 10)
    add('LINT_NODE_CONFIG', ['spec', 'config'], 'more than 10 ConfigMaps', 'put several objects into one ConfigMap');
}
