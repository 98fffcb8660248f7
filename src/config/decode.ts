import type { Faults } from './faults.ts';
import { findNearest, knownHint } from './nearest.ts';
import type { ConfigNode, ConfigPath } from './node.ts';

/**
 * Decoders for files whose format Go's JSON decoder defines (oc-mirror-v2.md §1.1): keys in any letter case, unknown keys refused,
 * types strict, and null (or nothing) is the type's zero value. A decoder always returns a value; faults say whether to use it.
 */
export type Decoder<T> = (node: ConfigNode | undefined, path: ConfigPath, faults: Faults) => T;

type Fields = Readonly<Record<string, Decoder<unknown>>>;
type Decoded<F extends Fields> = { readonly [K in keyof F]: F[K] extends Decoder<infer T> ? T : never };

/** Text; absent and empty are both undefined, as Go does not tell them apart. */
export const text: Decoder<string | undefined> = (node, path, faults) => {
  if (isNothing(node)) return undefined;
  if (node.kind === 'scalar' && typeof node.value === 'string') return node.value || undefined;
  const hint = node.kind === 'scalar' ? `put it in quotes: "${node.source}"` : 'write one value behind the colon';
  faults.error('CONFIG_TYPE', path, `has to be text, but is ${describe(node)}`, hint);
  return undefined;
};

/** `true` or `false`; absent is false. */
export const flag: Decoder<boolean> = (node, path, faults) => {
  if (isNothing(node)) return false;
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
  const hint =
    node.kind === 'scalar' && /^(?:true|false)$/i.test(String(node.value))
      ? 'take the quotes away'
      : 'write true or false';
  faults.error('CONFIG_TYPE', path, `has to be true or false, but is ${describe(node)}`, hint);
  return false;
};

/** A whole number; `4.0` is one, `"4"` and `4.5` are not. Absent is 0. */
export const wholeNumber: Decoder<number> = (node, path, faults) => {
  if (isNothing(node)) return 0;
  if (node.kind === 'scalar' && typeof node.value === 'number' && Number.isSafeInteger(node.value)) return node.value;
  const hint =
    node.kind === 'scalar' && /^\d+$/.test(String(node.value)) ? 'take the quotes away' : 'write digits alone';
  faults.error('CONFIG_TYPE', path, `has to be a whole number, but is ${describe(node)}`, hint);
  return 0;
};

/** A list; absent and null are `undefined`, which differs from an empty one (oc-mirror-v2.md §7.5). */
export function nullableList<T>(item: Decoder<T>, itemHint?: string): Decoder<readonly T[] | undefined> {
  return (node, path, faults) => {
    if (isNothing(node)) return undefined;
    if (node.kind === 'list')
      return node.items.map((one, index) => {
        if (itemHint && one.kind === 'scalar' && one.value !== null) {
          faults.error('CONFIG_TYPE', [...path, index], `has to be a mapping, but is ${describe(one)}`, itemHint);
          return item(undefined, [...path, index], faults);
        }
        return item(one, [...path, index], faults);
      });
    faults.error('CONFIG_TYPE', path, `has to be a list, but is ${describe(node)}`, 'start each item with "- "');
    return undefined;
  };
}

/** A list; absent is an empty one. */
export function list<T>(item: Decoder<T>, itemHint?: string): Decoder<readonly T[]> {
  const decode = nullableList(item, itemHint);
  return (node, path, faults) => decode(node, path, faults) ?? [];
}

/** What to write instead of keys that other versions of the format had; `v1` marks those of oc-mirror v1. */
export type FieldHints = Readonly<Record<string, string | { readonly v1: string }>>;

/** A mapping of known keys. `hints` explain keys that other versions of the format had. */
export function object<F extends Fields>(fields: F, hints: FieldHints = {}): Decoder<Decoded<F>> {
  const names = Object.keys(fields);
  return (node, path, faults) => {
    const found = new Map<string, ConfigNode>();
    const misspelled = new Map<string, ConfigNode>();
    if (!isNothing(node) && node.kind !== 'map') {
      faults.error('CONFIG_TYPE', path, `has to be a mapping, but is ${describe(node)}`, mappingHint(names));
    }
    for (const entry of node?.kind === 'map' ? node.entries : []) {
      const name = names.find((one) => one.toLowerCase() === entry.key.toLowerCase());
      const at = entry.keyPosition;
      if (name === undefined) {
        const hint = (Object.hasOwn(hints, entry.key) ? hints[entry.key] : undefined) ?? knownHint(entry.key, names);
        const message = `unknown field "${entry.key}"`;
        const meant = findNearest(entry.key, names);
        if (meant !== undefined && entry.node.kind === 'scalar') misspelled.set(meant, entry.node);
        if (typeof hint === 'string') faults.error('CONFIG_UNKNOWN_FIELD', [...path, entry.key], message, hint, at);
        else faults.error('CONFIG_V1', [...path, entry.key], `${message}: it belongs to oc-mirror v1`, hint.v1, at);
      } else if (found.has(name)) {
        faults.error(
          'CONFIG_DUPLICATE_KEY',
          [...path, entry.key],
          `"${name}" is set twice, in other letter case`,
          'remove one of the two',
          at,
        );
      } else found.set(name, entry.node);
    }
    const values = names.map((name) => {
      // A misspelled key was told: its value stands in for the field that was meant, so that this is not said to be missing too.
      const standIn = found.has(name) ? undefined : misspelled.get(name);
      const [node, listener] = standIn ? [standIn, faults.fork()] : [found.get(name), faults];
      return [name, fields[name]?.(node, [...path, name], listener)];
    });
    return Object.fromEntries(values) as Decoded<F>;
  };
}

function mappingHint(names: readonly string[]): string {
  return `write "${names[0]}: …", or another of its fields, on an indented line of its own`;
}

/** A value in words: `the number 4.16`, `a list`. */
export function describe(node: ConfigNode): string {
  if (node.kind === 'map') return 'a mapping';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'empty';
  if (typeof node.value === 'string')
    return `the text "${node.value.length > 60 ? `${node.value.slice(0, 60)}…` : node.value}"`;
  if (typeof node.value === 'boolean')
    return node.source === String(node.value) ? `${node.value}` : `${node.source} (which YAML reads as ${node.value})`;
  return `the number ${node.source}`;
}

function isNothing(node: ConfigNode | undefined): node is undefined {
  return node === undefined || (node.kind === 'scalar' && node.value === null);
}
