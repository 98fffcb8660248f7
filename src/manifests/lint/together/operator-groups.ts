import type { ObjectSet } from './object-set.ts';

/** A namespace takes one OperatorGroup. */
export function lintOperatorGroups(set: ObjectSet): void {
  const seen = new Map<string, string>();
  for (const { object, add } of set.of('OperatorGroup')) {
    const namespace = object.namespace ?? '';
    const other = seen.get(namespace);
    if (other !== undefined && other !== object.name)
      add(
        'LINT_OPERATOR_GROUP',
        ['metadata', 'name'],
        `${namespace} has OperatorGroup ${other} already`,
        'keep one: two make every operator of the namespace fail',
      );
    seen.set(namespace, object.name);
  }
}
