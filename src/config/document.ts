import { LineCounter, parseAllDocuments } from '../core/yaml.ts';
import type { Faults } from './faults.ts';
import { type ConfigNode, mapNode } from './node.ts';
import type { YamlDialect } from './scalar.ts';
import { TreeBuilder } from './tree.ts';

/** Limits far above any real configuration; beyond them a file is refused instead of read. */
export const documentLimits = { bytes: 4 << 20, values: 200_000, brackets: 500 } as const;

/**
 * Reads the first YAML document of `text`. Duplicate keys are faults; types are those of `dialect`, by default what oc-mirror sees (§1.1). An
 * empty file is an empty mapping. undefined when it cannot be read; the faults say why. `isAlone` is false when other documents follow.
 */
export function readDocument(
  text: string,
  faults: Faults,
  dialect: YamlDialect = '1.1',
): { readonly root: ConfigNode; readonly isAlone: boolean } | undefined {
  const whole = text.startsWith('\ufeff') ? text.slice(1) : text;
  const tooMuch = findExcess(whole);
  if (tooMuch) {
    faults.error('CONFIG_SYNTAX', [], `${tooMuch}: this is no configuration file`);
    return undefined;
  }
  const source = cutDocument(whole);
  const lines = new LineCounter();
  const [document] = parseAllDocuments(source, {
    lineCounter: lines,
    schema: 'failsafe',
    uniqueKeys: false,
    prettyErrors: false,
  });
  const builder = new TreeBuilder(lines, faults, dialect);
  for (const error of firstErrors(document?.errors ?? [], source)) {
    faults.error('CONFIG_SYNTAX', [], syntaxMessage(error.message), syntaxHint(source), builder.position(error.pos[0]));
  }
  if (faults.failed) return undefined;
  const root = document?.contents ? builder.build(document.contents, [], 0) : mapNode([], { line: 1, column: 1 });
  faults.root = root;
  if (root.weight > documentLimits.values) {
    const message = `unfolds to ${root.weight} values through its aliases: this is no configuration file`;
    faults.error('CONFIG_SYNTAX', [], message);
  }
  return faults.failed ? undefined : { root, isAlone: isBlank(whole.slice(source.length)) };
}

/** What makes a text too large to be handed to the YAML library, which needs stack for each bracket and minutes for megabytes of them. */
function findExcess(source: string): string | undefined {
  if (Buffer.byteLength(source) > documentLimits.bytes) return `larger than ${documentLimits.bytes >> 20} MiB`;
  let open = 0;
  for (const character of source) {
    if (character === '[' || character === '{') open += 1;
    else if (character === ']' || character === '}') open = Math.max(0, open - 1);
    if (open > documentLimits.brackets) return 'nested too deeply';
  }
  return undefined;
}

/** The text up to the end of its first document. A line that starts with `---` or `...` is always a document marker (YAML 1.2, 9.1.2). */
function cutDocument(source: string): string {
  for (const marker of source.matchAll(/^(?:---|\.\.\.)(?=\s|$)/gm)) {
    // Only directives and remarks stand before the marker that begins the first document.
    if (/^[^#%\s]/m.test(source.slice(0, marker.index))) return source.slice(0, marker.index);
  }
  return source;
}

/** Whether nothing but markers and remarks is left. */
function isBlank(rest: string): boolean {
  return rest.split('\n').every((line) => /^(?:#.*)?$/.test(line.replace(/^(?:---|\.\.\.)(?=\s|$)/, '').trim()));
}

function syntaxMessage(message: string): string {
  // The library composes nested lists by recursion, and reports the end of the stack as a fault of the text.
  if (message.startsWith('Maximum call stack')) return 'nested too deeply: this is no configuration file';
  return `not YAML: ${message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? message}`;
}

function syntaxHint(source: string): string | undefined {
  if (/\{%|\{\{/.test(source)) return 'is this a template whose {{ … }} placeholders were not filled in?';
  if (/^ *\t/m.test(source)) return 'indent with spaces: YAML allows no tabs there';
  return 'look at the brackets, quotes and indentation there and on the line before';
}

/** The errors worth showing: what follows the first one is mostly its echo, all the more in a template. */
function firstErrors<E>(errors: readonly E[], source: string): readonly E[] {
  return errors.slice(0, /\{%|\{\{/.test(source) ? 1 : 3);
}
