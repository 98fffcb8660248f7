import { type AddFault, type LintedObject, recordAt } from '../faults.ts';

/** Service: annotations of MetalLB under their former name. */
export function lintService({ value }: LintedObject, add: AddFault): void {
  const path = ['metadata', 'annotations'];
  for (const key of Object.keys(recordAt(value, ...path)))
    if (key.startsWith('metallb.universe.tf/'))
      add(
        'LINT_ADDRESS_POOL',
        [...path, key],
        `${key} is the former name, which newer versions of MetalLB ignore`,
        `write metallb.io/${key.slice('metallb.universe.tf/'.length)}`,
        'warning',
      );
}
