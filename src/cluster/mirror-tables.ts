import type { Run } from '../core/run.ts';
import type { ClusterClient } from './client.ts';
import { fieldAt, listAt } from './fields.ts';
import { type ClusterObject, describeRef, type ObjectPair, refOf } from './types.ts';

/** Kinds from which the machine config operator writes the registries.conf of nodes, and the list of their rules. */
const mirrorKinds: Readonly<
  Record<string, { readonly apiVersion: string; readonly rules: string; readonly pull: Pull }>
> = {
  ImageDigestMirrorSet: { apiVersion: 'config.openshift.io/v1', rules: 'spec.imageDigestMirrors', pull: 'digest-only' },
  ImageContentSourcePolicy: {
    apiVersion: 'operator.openshift.io/v1alpha1',
    rules: 'spec.repositoryDigestMirrors',
    pull: 'digest-only',
  },
  ImageTagMirrorSet: { apiVersion: 'config.openshift.io/v1', rules: 'spec.imageTagMirrors', pull: 'tag-only' },
};

type Pull = 'digest-only' | 'tag-only';

/** Whether the kind is one of mirror rules. */
export function isMirrorSet(kind: string): boolean {
  return Object.hasOwn(mirrorKinds, kind);
}

/** Every mirror set of the cluster, when one of the changes is to a mirror set; nodes get the rules of all together. @throws AirlockError CLUSTER_* */
export async function listMirrorSets(
  changes: readonly ObjectPair[],
  client: ClusterClient,
  run: Run,
): Promise<readonly ClusterObject[]> {
  if (!changes.some(({ after }) => isMirrorSet(after.kind))) return [];
  const lists = Object.entries(mirrorKinds).map(([kind, { apiVersion }]) => client.list({ apiVersion, kind }, run));
  return (await Promise.all(lists)).flat();
}

/** One `[[registry]]` table of a node. */
interface RegistryTable {
  readonly blocked: boolean;
  readonly mirrors: readonly { readonly location: string; readonly pull: Pull }[];
}

/**
 * Why nodes drain at a change of mirror sets, given all that the cluster has; [] when they do not. Nothing that a running pod was started with
 * may go away: sources and mirrors have to stay, whether the source may be asked as well, and what is added has to serve pulls by digest only.
 * @see openshift/machine-config-operator, pkg/daemon/drain.go (isSafeContainerRegistryConfChanges)
 */
export function drainReasons(all: readonly ClusterObject[], changes: readonly ObjectPair[]): string[] {
  const sets = changes.filter(({ after }) => isMirrorSet(after.kind));
  const changed = new Map(sets.map(({ after }) => [describeRef(refOf(after)), after]));
  const before = new Map([
    ...sets.flatMap(({ before: one }): [string, ClusterObject][] => (one ? [[describeRef(refOf(one)), one]] : [])),
    ...all.map((one): [string, ClusterObject] => [describeRef(refOf(one)), one]),
  ]);
  const [old, now] = [tablesOf([...before.values()]), tablesOf([...new Map([...before, ...changed]).values()])];
  const lost = [...old].filter(([source, table]) => losesMirrors(table, now.get(source))).map(([source]) => source);
  const tagged = [...now].filter(([source, table]) => gainsTagPulls(old.get(source), table)).map(([source]) => source);
  const policy = [...old].filter(([source, { blocked }]) => (now.get(source)?.blocked ?? blocked) !== blocked);
  return [
    ...sentence('mirrors are taken away from', lost),
    ...sentence('pulls by tag change for', tagged),
    ...sentence(
      'mirrorSourcePolicy changes for',
      policy.map(([source]) => source),
    ),
  ];
}

function sentence(what: string, sources: readonly string[]): string[] {
  if (sources.length === 0) return [];
  const more = sources.length > 3 ? ` and ${sources.length - 3} more` : '';
  return [`${what} ${sources.slice(0, 3).join(', ')}${more}`];
}

/** The tables of all sets together, by source. */
function tablesOf(sets: readonly ClusterObject[]): Map<string, RegistryTable> {
  const tables = new Map<string, RegistryTable>();
  for (const [kind, { rules, pull }] of Object.entries(mirrorKinds))
    for (const rule of sets.filter((one) => one.kind === kind).flatMap((one) => listAt(one, rules))) {
      const source = String(fieldAt(rule, 'source'));
      const known = tables.get(source) ?? { blocked: false, mirrors: [] };
      const added = listAt(rule, 'mirrors')
        .map((mirror) => ({ location: String(mirror), pull }))
        .filter(({ location }) => !known.mirrors.some((one) => one.location === location && one.pull === pull));
      tables.set(source, {
        blocked: known.blocked || fieldAt(rule, 'mirrorSourcePolicy') === 'NeverContactSource',
        mirrors: [...known.mirrors, ...added],
      });
    }
  return tables;
}

function losesMirrors(old: RegistryTable, now: RegistryTable | undefined): boolean {
  return !now || old.mirrors.some(({ location }) => !now.mirrors.some((one) => one.location === location));
}

function gainsTagPulls(old: RegistryTable | undefined, now: RegistryTable): boolean {
  return now.mirrors.some(
    ({ location, pull }) =>
      pull !== 'digest-only' && old?.mirrors.find((one) => one.location === location)?.pull !== pull,
  );
}
