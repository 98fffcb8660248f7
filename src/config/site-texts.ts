import type { ConfigPath } from './node.ts';
import { type JsonSchema, siteJsonSchema } from './site-json-schema.ts';

/** A text of a site and where it stands below `spec`. */
export interface SiteText {
  readonly path: ConfigPath;
  readonly text: string;
}

/** The JSON Schema of `spec`. */
export function specSchema(): JsonSchema {
  return siteJsonSchema().properties?.['spec'] ?? {};
}

/**
 * Every text of one sort (`file`, `prefix`, …: the `title` of its schema) in the `spec` of a site, as decoded or complete. The schema knows them,
 * so that no list of fields has to follow it.
 */
export function listSiteTexts(spec: unknown, sort: string): SiteText[] {
  return listTexts(spec, specSchema(), [], sort);
}

function listTexts(value: unknown, schema: JsonSchema, path: ConfigPath, sort: string): SiteText[] {
  if (typeof value === 'string') return schema.title === sort ? [{ path, text: value }] : [];
  if (Array.isArray(value))
    return value.flatMap((item, index) => listTexts(item, schema.items ?? {}, [...path, index], sort));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const inner = schema.properties?.[key];
    return inner ? listTexts(item, inner, [...path, key], sort) : [];
  });
}
