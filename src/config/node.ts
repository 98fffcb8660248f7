/** 1-based. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Keys and list indexes from the top of the file to a value. */
export type ConfigPath = readonly (string | number)[];

/** One key of a mapping. */
export interface ConfigEntry {
  readonly key: string;
  readonly keyPosition: Position;
  readonly node: ConfigNode;
}

/**
 * A YAML value that knows where it stands. Aliases are resolved (the position is that of the anchor), merge keys are merged.
 * `weight` is the number of values below with aliases counted each time, so that a small file cannot unfold into a huge one.
 */
export type ConfigNode = Position & { readonly weight: number } & (
    | {
        readonly kind: 'map';
        readonly entries: readonly ConfigEntry[];
        readonly byKey: ReadonlyMap<string, ConfigEntry>;
      }
    | { readonly kind: 'list'; readonly items: readonly ConfigNode[] }
    | { readonly kind: 'scalar'; readonly value: string | number | boolean | null; readonly source: string }
  );

/** `spec.hostedClusters[0].name`, unusual keys as `labels["example.com/tier"]`; empty for the whole file. */
export function formatPath(path: ConfigPath): string {
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : stepText(step))).join('');
  return text.replace(/^\./, '');
}

function stepText(key: string): string {
  return /^[\w$-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** The place of the value at `path`, or of the nearest value above that is there. Keys are found in any letter case. */
export function findPlace(root: ConfigNode, path: ConfigPath): Position | undefined {
  let node = root;
  let place: Position = { line: root.line, column: root.column };
  for (const step of path) {
    if (node.kind === 'list' && typeof step === 'number') {
      const item = node.items[step];
      if (!item) return place;
      node = item;
      place = { line: item.line, column: item.column };
    } else {
      const entry = typeof step === 'string' ? findEntry(node, step) : undefined;
      if (!entry) return place;
      node = entry.node;
      place = valuePosition(entry);
    }
  }
  return place;
}

/** The value at `path`, undefined when there is none. */
export function findNode(root: ConfigNode, path: ConfigPath): ConfigNode | undefined {
  let node: ConfigNode | undefined = root;
  for (const step of path) {
    if (!node) return undefined;
    if (typeof step === 'number') node = node.kind === 'list' ? node.items[step] : undefined;
    else node = findEntry(node, step)?.node;
  }
  return node;
}

/** The entry of a key: the exact one, else one that differs only in letter case. */
export function findEntry(node: ConfigNode, key: string): ConfigEntry | undefined {
  if (node.kind !== 'map') return undefined;
  const folded = key.toLowerCase();
  return node.byKey.get(key) ?? node.entries.find((entry) => entry.key.toLowerCase() === folded);
}

/** Where a reader should look for an entry's value: at the key where the value is a block of its own or left out. */
export function valuePosition(entry: ConfigEntry): Position {
  const nothing = entry.node.kind === 'scalar' && entry.node.source === '';
  return nothing || entry.node.kind !== 'scalar'
    ? entry.keyPosition
    : { line: entry.node.line, column: entry.node.column };
}

/** Plain values, for a schema library; every alias unfolded, keys without a value left out. */
export function toPlain(node: ConfigNode): unknown {
  if (node.kind === 'list') return node.items.map(toPlain);
  if (node.kind === 'scalar') return node.value;
  // Without a prototype: a key named __proto__ is a key like any other.
  const plain: Record<string, unknown> = Object.create(null);
  for (const { key, node: value } of node.entries) {
    if (value.kind !== 'scalar' || value.value !== null) plain[key] = toPlain(value);
  }
  return plain;
}

/** A mapping of entries with distinct keys. */
export function mapNode(entries: readonly ConfigEntry[], { line, column }: Position): ConfigNode & { kind: 'map' } {
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  return { kind: 'map', entries, byKey, weight: weigh(entries.map((entry) => entry.node)), line, column };
}

/** The number of values in a list or mapping with these values. */
export function weigh(nodes: readonly ConfigNode[]): number {
  return nodes.reduce((sum, node) => sum + node.weight, 1);
}
