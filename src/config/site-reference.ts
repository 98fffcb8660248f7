import { type JsonSchema, siteJsonSchema } from './site-json-schema.ts';

/** Parts with a table of their own: by path, or by the last key where a part comes several times. */
const sections = [
  'managementCluster',
  'hostedClusters[]',
  'nodePools[]',
  'hosts[]',
  'proxy',
  'images',
  'ipFailover[]',
  'sriov',
  'networkAttachments[]',
];

/** Every field below `spec` of a site file as Markdown tables, one for each larger part, made from its schema (for docs/site.md). */
export function renderSiteReference(): string {
  const root = siteJsonSchema();
  const tables = new Map<string, readonly string[]>();
  addTable('spec', root.properties?.['spec'] ?? {}, tables);
  return [...tables]
    .map(([name, rows]) =>
      [`### ${name}`, '', '| Field | Type | Default | Meaning |', '|---|---|---|---|', ...rows].join('\n'),
    )
    .join('\n\n');
}

function addTable(name: string, schema: JsonSchema, tables: Map<string, readonly string[]>): void {
  if (tables.has(name)) return;
  const below: { name: string; schema: JsonSchema }[] = [];
  tables.set(name, []);
  tables.set(name, listFields(schema, '', below));
  for (const part of below) addTable(part.name, part.schema, tables);
}

/** Rows of a mapping's fields. Parts with a table of their own go to `below` and are named there. */
function listFields(schema: JsonSchema, path: string, below: { name: string; schema: JsonSchema }[]): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, field]) => {
    const inner = field.items?.properties ? field.items : field;
    const name = `${path}${key}${inner === field ? '' : '[]'}`;
    const section = sections.find((one) => one === name || one === name.split('.').at(-1));
    if (section !== undefined) below.push({ name: section, schema: inner });
    const fallback = schema.required?.includes(key) ? 'required' : formatDefault(field);
    const more = section === undefined ? '' : `: see [${section}](#${section.toLowerCase().replace('[]', '')})`;
    const meaning = `${field.description ?? ''}${more}`.replaceAll('|', '\\|').replaceAll('<', '&lt;');
    const row = `| \`${path}${key}\` | ${typeWords(field)} | ${fallback} | ${meaning} |`;
    return section === undefined ? [row, ...listFields(inner, `${name}.`, below)] : [row];
  });
}

function formatDefault(schema: JsonSchema): string {
  const empty = JSON.stringify(schema.default);
  if (schema.default === undefined || empty === '{}' || empty === '[]') return '';
  return `\`${empty}\``;
}

function typeWords(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum) return schema.enum.map((one) => `\`${String(one)}\``).join(', ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeWords))].join(' or ');
  if (schema.title !== undefined) return schema.title;
  if (schema.items) return `list of ${schema.items.properties ? 'mappings' : plural(schema.items)}`;
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    integer: 'number',
    object: 'mapping',
    boolean: 'true or false',
  };
  return words[String(schema.type)] ?? String(schema.type ?? 'any');
}

function plural(schema: JsonSchema): string {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(plural))].join(' or ');
  const word = typeWords(schema);
  return word === 'text' ? word : `${word}${/[sx]$/.test(word) ? 'es' : 's'}`;
}
