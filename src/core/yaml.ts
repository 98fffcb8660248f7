import {
  Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Document as ParsedDocument,
  parseAllDocuments,
  parseDocument,
  visit,
  YAMLMap,
} from 'yaml';

export type { ParsedNode, Scalar, YAMLSeq } from 'yaml';
export { isMap, isScalar, isSeq, LineCounter, parseAllDocuments, parseDocument, YAMLMap };

/** Reads the first YAML document into plain values; throws yaml's own error. For text whose places do not matter. */
export function parseYaml(text: string): unknown {
  const document = parseDocument(text, { version: '1.1', merge: true });
  const [error] = document.errors;
  if (error) throw error;
  return document.toJS();
}

/** Reads every document of a stream into plain values; empty ones are left out. Throws the first syntax error. */
export function parseYamlStream(text: string): unknown[] {
  const documents = parseAllDocuments(text);
  return (Array.isArray(documents) ? documents : []).flatMap((document) => {
    const [error] = document.errors;
    if (error) throw error;
    const value: unknown = document.toJS();
    return value === null || value === undefined ? [] : [value];
  });
}

/**
 * The first key that stands twice in one mapping, with its offset in the text; undefined when there is none. For documents that were parsed with
 * `uniqueKeys: false`: the library's own check compares every key with every other one, which takes minutes for large mappings.
 */
export function findDoubledKey(
  document: ParsedDocument,
): { readonly key: string; readonly offset: number } | undefined {
  let found: { key: string; offset: number } | undefined;
  visit(document, {
    Map(_, node) {
      const seen = new Set<string>();
      for (const { key } of node.items) {
        if (!isScalar(key) || key.value === '<<') continue;
        const text = String(key.value);
        if (seen.has(text)) {
          found = { key: text, offset: key.range?.[0] ?? 0 };
          return visit.BREAK;
        }
        seen.add(text);
      }
      return undefined;
    },
  });
  return found;
}

// What a YAML 1.1 reader (Go's sigs.k8s.io/yaml among them) takes for a boolean, null or number although 1.2 takes it for a string.
const ambiguous =
  /^(?:y|yes|n|no|on|off|true|false|null|~|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[-+]?0[0-7_]+|[-+]?0[ob][0-7_]+|[-+]?0x[0-9a-f_]+|[-+]?[0-9][0-9_]*|[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*(?:e[-+]?[0-9]+)?|[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?e[-+]?[0-9]+|[-+]?\.inf|\.nan|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*|=|<<)$/i;

/**
 * One YAML document: safe for YAML 1.1 readers, never line-folded, list dashes at their key's own column as `oc` and oc-mirror write.
 * Keys keep their order unless `sortKeys`. Undefined values are left out.
 */
export function renderYaml(value: unknown, options: { readonly sortKeys?: boolean } = {}): string {
  const document = new Document(value, {
    version: '1.2',
    keepUndefined: false,
    aliasDuplicateObjects: false,
    sortMapEntries: options.sortKeys ?? false,
  });
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value !== 'string') return;
      if (node.value.includes('\n') && !/[^\n\t\x20-\x7e\u00a0-\uffff]/.test(node.value) && !/^\s/.test(node.value))
        node.type = 'BLOCK_LITERAL';
      else if (node.value === '' || ambiguous.test(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ indentSeq: false, lineWidth: 0 });
}
