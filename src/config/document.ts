import { isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseAllDocuments } from '../core/yaml.ts';
import type { Faults } from './faults.ts';
import type { ConfigEntry, ConfigNode, ConfigPath, Position } from './node.ts';
import { resolveScalar, type YamlDialect } from './scalar.ts';

/** Limits far above any real configuration; beyond them a file is refused instead of read. */
export const documentLimits = { bytes: 4 << 20, values: 200_000, depth: 64 } as const;

/**
 * Reads the first YAML document of `text`. Duplicate keys are faults; types are those of `dialect`, by default what oc-mirror sees (§1.1). An empty file is an empty mapping. undefined when it cannot be read; the faults say why. `documents` counts all documents.
 */
export function readDocument(
  text: string,
  faults: Faults,
  dialect: YamlDialect = '1.1',
): { root: ConfigNode; documents: number } | undefined {
  const source = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (Buffer.byteLength(source) > documentLimits.bytes) {
    faults.error('CONFIG_SYNTAX', [], `larger than ${documentLimits.bytes >> 20} MiB: this is no configuration file`);
    return undefined;
  }
  const lines = new LineCounter();
  const documents = parseAllDocuments(source, {
    lineCounter: lines,
    schema: 'failsafe',
    uniqueKeys: false,
    prettyErrors: false,
  });
  const [first] = Array.isArray(documents) ? documents : [];
  if (!first?.contents) {
    const root: ConfigNode = { kind: 'map', entries: [], line: 1, column: 1, weight: 1 };
    faults.root = root;
    if (!first?.errors.length) return { root, documents: Math.max(1, documents.length) };
  }
  const builder = new TreeBuilder(lines, faults, dialect);
  for (const error of firstErrors(first?.errors ?? [], source)) {
    faults.error('CONFIG_SYNTAX', [], syntaxMessage(error.message), syntaxHint(source), builder.position(error.pos[0]));
  }
  if (!first?.contents || faults.failed) return undefined;
  const root = builder.build(first.contents, [], 0);
  faults.root = root;
  if (root.weight > documentLimits.values && !faults.failed) {
    faults.error(
      'CONFIG_SYNTAX',
      [],
      `unfolds to ${root.weight} values through its aliases: this is no configuration file`,
    );
  }
  return faults.failed ? undefined : { root, documents: documents.length };
}

class TreeBuilder {
  readonly #lines: LineCounter;
  readonly #dialect: YamlDialect;
  readonly #faults: Faults;
  /** undefined while an anchor's own value is being built: an alias to it would be endless. */
  readonly #anchors = new Map<string, ConfigNode | undefined>();

  constructor(lines: LineCounter, faults: Faults, dialect: YamlDialect) {
    this.#dialect = dialect;
    this.#lines = lines;
    this.#faults = faults;
  }

  position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  build(node: ParsedNode | null, path: ConfigPath, offset: number): ConfigNode {
    if (!node) return { kind: 'scalar', value: null, source: '', weight: 1, ...this.position(offset) };
    const at = this.position(node.range[0]);
    if (path.length > documentLimits.depth) return this.#broken(path, 'nested too deeply', at);
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) {
      const target = this.#anchors.get(node.source);
      if (target) return target;
      const known = this.#anchors.has(node.source);
      return this.#broken(path, known ? `*${node.source} contains itself` : `no anchor &${node.source} above`, at);
    }
    if (node.anchor) this.#anchors.set(node.anchor, undefined);
    const built = isScalar(node)
      ? ({ kind: 'scalar', ...resolveScalar(node, this.#dialect), weight: 1, ...at } as const)
      : isSeq(node)
        ? this.#list(node.items, path, at)
        : this.#map(node.items, path, at);
    if (node.anchor) this.#anchors.set(node.anchor, built);
    return built;
  }

  #list(items: readonly unknown[], path: ConfigPath, at: Position): ConfigNode {
    const nodes = items.map((item, index) => this.build(item as ParsedNode | null, [...path, index], 0));
    return { kind: 'list', items: nodes, weight: weigh(nodes), ...at };
  }

  #map(pairs: readonly { key: unknown; value: unknown }[], path: ConfigPath, at: Position): ConfigNode {
    const entries: ConfigEntry[] = [];
    const merged: ConfigNode[] = [];
    for (const pair of pairs) {
      const keyNode = pair.key as ParsedNode | null;
      const offset = keyNode?.range[0] ?? 0;
      const keyPosition = keyNode ? this.position(offset) : at;
      if (!isScalar(keyNode)) {
        this.#broken(path, 'a key has to be one word, not a list or mapping', keyPosition);
        continue;
      }
      const key = String(keyNode.value ?? '');
      const node = this.build(pair.value as ParsedNode | null, [...path, key], keyNode.range[1]);
      if (key === '<<' && keyNode.type === 'PLAIN') merged.push(...(node.kind === 'list' ? node.items : [node]));
      else {
        const earlier = entries.find((entry) => entry.key === key);
        if (earlier) {
          this.#faults.error(
            'CONFIG_DUPLICATE_KEY',
            [...path, key],
            `key "${key}" is already set on line ${earlier.keyPosition.line}`,
            'merge the two, or remove one',
            keyPosition,
          );
        } else entries.push({ key, keyPosition, node });
      }
    }
    for (const source of merged) {
      if (source.kind !== 'map') this.#broken(path, 'only a mapping can be merged with <<', source);
      else entries.push(...source.entries.filter(({ key }) => !entries.some((entry) => entry.key === key)));
    }
    return { kind: 'map', entries, weight: weigh(entries.map((entry) => entry.node)), ...at };
  }

  #broken(path: ConfigPath, message: string, { line, column }: Position): ConfigNode {
    const hint = message.startsWith('a key')
      ? 'is this a template whose {{ … }} placeholders were not filled in?'
      : undefined;
    this.#faults.error('CONFIG_SYNTAX', path, message, hint, { line, column });
    return { kind: 'scalar', value: null, source: '', weight: 1, line, column };
  }
}

function weigh(nodes: readonly ConfigNode[]): number {
  return nodes.reduce((sum, node) => sum + node.weight, 1);
}

function syntaxMessage(message: string): string {
  return `not YAML: ${message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? message}`;
}

function syntaxHint(source: string): string | undefined {
  if (/\{%|\{\{/.test(source)) return 'is this a template whose {{ … }} placeholders were not filled in?';
  if (/^ *\t/m.test(source)) return 'indent with spaces: YAML allows no tabs there';
  return undefined;
}

/** The errors worth showing: what follows the first one is mostly its echo, all the more in a template. */
function firstErrors<E>(errors: readonly E[], source: string): readonly E[] {
  return errors.slice(0, /\{%|\{\{/.test(source) ? 1 : 3);
}
