import * as z from 'zod';
import { siteSchema } from './site-schema.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean;
}

/** Every field of a site file as a Markdown table, made from its schema (for docs/site.md). */
export function renderSiteReference(): string {
  const root = z.toJSONSchema(siteSchema, { io: 'input', target: 'draft-7', unrepresentable: 'any' }) as Schema;
  const rows = Object.entries(root.properties?.['spec']?.properties ?? {}).flatMap(([name, schema]) =>
    listFields(schema, name, root.properties?.['spec']?.required?.includes(name) ?? false),
  );
  return ['| Field | Type | Default | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function listFields(schema: Schema, path: string, required: boolean): string[] {
  const fallback = required ? 'required' : formatDefault(schema);
  const row = `| \`${path}\` | ${typeWords(schema)} | ${fallback} | ${(schema.description ?? '').replaceAll('|', '\\|')} |`;
  const isList = schema.items?.properties !== undefined;
  const inner = isList ? schema.items : schema;
  const below = Object.entries(inner?.properties ?? {}).flatMap(([name, one]) =>
    listFields(one, `${path}${isList ? '[]' : ''}.${name}`, inner?.required?.includes(name) ?? false),
  );
  return [row, ...below];
}

function formatDefault(schema: Schema): string {
  const empty = JSON.stringify(schema.default);
  if (schema.default === undefined || (schema.properties && empty === '{}')) return '';
  return `\`${empty}\``;
}

function typeWords(schema: Schema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum) return schema.enum.map((one) => `\`${String(one)}\``).join(', ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeWords))].join(' or ');
  if (schema.items) return `list of ${schema.items.properties ? 'mappings' : typeWords(schema.items)}`;
  const words: Readonly<Record<string, string>> = { string: 'text', integer: 'number', object: 'mapping' };
  return words[String(schema.type)] ?? String(schema.type ?? 'any');
}
