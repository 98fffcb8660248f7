import * as z from 'zod';
import { siteSchema } from './site-schema.ts';

/** What Airlock uses of JSON Schema. `title` names the sort of a value: address, file, release version … */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maxItems?: number;
  readonly title?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly additionalProperties?: JsonSchema | boolean;
}

const draft = 'http://json-schema.org/draft-07/schema#';

// Always the same, and slow to make: made once, when it is first asked for.
let made: JsonSchema | undefined;

/** The JSON Schema (draft 7) of a site file. */
export function siteJsonSchema(): JsonSchema {
  made ??= z.toJSONSchema(siteSchema, { io: 'input', target: 'draft-7', unrepresentable: 'any' }) as JsonSchema;
  return made;
}

/** The same as text, as shipped in `schema/site.schema.json`. */
export function renderSiteSchema(): string {
  const title = 'Airlock site';
  const description = 'A disconnected site: bastion, services, management cluster, hosted clusters';
  return `${JSON.stringify({ $schema: draft, title, description, ...siteJsonSchema() }, null, 2)}\n`;
}
