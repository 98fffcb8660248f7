import { isMap, isScalar, isSeq, type LineCounter, type ParsedNode } from '../core/yaml.ts';
import type { Faults } from './faults.ts';
import { type ConfigEntry, type ConfigNode, type ConfigPath, mapNode, type Position, weigh } from './node.ts';
import { resolveScalar, type YamlDialect } from './scalar.ts';

/** Far deeper than any configuration goes. */
const depthLimit = 64;

/**
 * Builds our own nodes from those of the YAML library: positions as line and column, aliases resolved, keys merged, plain scalars read by `dialect`.
 */
export class TreeBuilder {
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
    if (path.length > depthLimit) return this.#broken(path, 'nested too deeply', at);
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
    const byKey = new Map<string, ConfigEntry>();
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
        const earlier = byKey.get(key);
        if (earlier) {
          this.#faults.error(
            'CONFIG_DUPLICATE_KEY',
            [...path, key],
            `key "${key}" is already set on line ${earlier.keyPosition.line}`,
            'merge the two, or remove one',
            keyPosition,
          );
        } else byKey.set(key, { key, keyPosition, node });
      }
    }
    for (const source of merged) {
      if (source.kind !== 'map') this.#broken(path, 'only a mapping can be merged with <<', source);
      else for (const entry of source.entries) if (!byKey.has(entry.key)) byKey.set(entry.key, entry);
    }
    return mapNode([...byKey.values()], at);
  }

  #broken(path: ConfigPath, message: string, { line, column }: Position): ConfigNode {
    const hint = message.startsWith('a key')
      ? 'is this a template whose {{ … }} placeholders were not filled in?'
      : undefined;
    this.#faults.error('CONFIG_SYNTAX', path, message, hint, { line, column });
    return { kind: 'scalar', value: null, source: '', weight: 1, line, column };
  }
}
