import { type AddFault, type FieldPath, type LintedObject, listAt, textAt } from '../faults.ts';

/** One object of a set, and where faults of it go. */
export interface LintedEntry {
  readonly object: LintedObject;
  readonly add: AddFault;
}

/** A rule over everything that was given in one call, whatever file it stands in. */
export type TogetherRule = (set: ObjectSet) => void;

/**
 * All objects of all files that are linted in one call. Files of different sites may be given together, so a rule that compares objects
 * speaks only where no object of the set makes it right.
 */
export class ObjectSet {
  readonly entries: readonly LintedEntry[];
  readonly #byKind: ReadonlyMap<string, readonly LintedEntry[]>;
  readonly #byName: ReadonlyMap<string, readonly LintedObject[]>;

  constructor(entries: readonly LintedEntry[]) {
    this.entries = entries;
    this.#byKind = groupBy(entries, ({ object }) => object.kind);
    const objects = entries.map(({ object }) => object);
    this.#byName = groupBy(objects, ({ kind, name }) => `${kind} ${name}`);
  }

  /** Entries of a kind, in the order of the files. */
  of(kind: string): readonly LintedEntry[] {
    return this.#byKind.get(kind) ?? [];
  }

  /** Objects of a kind and name, in whatever namespace. */
  named(kind: string, name: string): readonly LintedObject[] {
    return this.#byName.get(`${kind} ${name}`) ?? [];
  }

  /** Objects of a kind and name in one of the namespaces. */
  find(kind: string, name: string, namespaces: readonly (string | undefined)[]): LintedObject[] {
    return this.named(kind, name).filter(({ namespace }) => namespaces.includes(namespace));
  }
}

function groupBy<T>(list: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const key = keyOf(one);
    const known = groups.get(key);
    if (known) known.push(one);
    else groups.set(key, [one]);
  }
  return groups;
}

/** The namespace that the operator makes for a hosted cluster's control plane. */
export function controlPlaneNamespace({ namespace, name }: LintedObject): string {
  return `${namespace ?? 'clusters'}-${name.replaceAll('.', '-')}`;
}

/** The storage classes that LVM Storage makes for its device classes. */
export function lvmClasses(set: ObjectSet): string[] {
  return set
    .of('LVMCluster')
    .flatMap(({ object }) => listAt(object.value, 'spec', 'storage', 'deviceClasses'))
    .flatMap((device) => textAt(device, 'name') ?? [])
    .map((name) => `lvms-${name}`);
}

/** Where labels of an object stand. */
export const labelsPath: FieldPath = ['metadata', 'labels'];
/** Where annotations of an object stand. */
export const annotationsPath: FieldPath = ['metadata', 'annotations'];
/** The label by which a host finds its InfraEnv. */
export const infraEnvLabel = 'infraenvs.agent-install.openshift.io';
