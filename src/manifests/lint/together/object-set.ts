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

  constructor(entries: readonly LintedEntry[]) {
    this.entries = entries;
  }

  /** Entries of the kinds, in the order of the files. */
  of(...kinds: readonly string[]): LintedEntry[] {
    return this.entries.filter(({ object }) => kinds.includes(object.kind));
  }

  /** Objects of a kind and name, in whatever namespace. */
  named(kind: string, name: string): LintedObject[] {
    return this.of(kind)
      .map(({ object }) => object)
      .filter((object) => object.name === name);
  }

  /** Objects of a kind and name in one of the namespaces. */
  find(kind: string, name: string, namespaces: readonly (string | undefined)[]): LintedObject[] {
    return this.named(kind, name).filter(({ namespace }) => namespaces.includes(namespace));
  }
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
