import { needsPackage, packageOf, schemas } from './content.ts';
import type { CatalogDocument } from './documents.ts';
import type { CatalogSelection, PackageSelection } from './filter.ts';
import { restoreNumbers } from './number-text.ts';
import { field, list, text } from './values.ts';

/**
 * The structs of operator-registry that a catalog is made of: keys in their order; those with `!` are written even when they are empty.
 * @see operator-registry alpha/declcfg, declcfg.go
 */
const structs: Readonly<Record<string, readonly string[]>> = {
  [schemas.package]: ['schema!', 'name!', 'defaultChannel!', 'icon', 'description', 'properties'],
  [schemas.channel]: ['schema!', 'name!', 'package!', 'entries!', 'properties'],
  [schemas.bundle]: ['schema!', 'name!', 'package!', 'image!', 'properties', 'relatedImages'],
  [schemas.deprecations]: ['schema!', 'package!', 'entries!'],
  icon: ['base64data!', 'mediatype!'],
  properties: ['type!', 'value!'],
  relatedImages: ['name!', 'image!'],
  [`${schemas.channel} entries`]: ['name!', 'replaces', 'skips', 'skipRange'],
  [`${schemas.deprecations} entries`]: ['reference!', 'message!'],
  reference: ['schema!', 'name'],
};

const ranks: readonly string[] = Object.values(schemas);

/** Where a document goes in its package's file: packages, channels, bundles, deprecations, others. */
export function documentRank(document: CatalogDocument): number {
  const at = ranks.indexOf(text(document['schema']));
  return at < 0 ? ranks.length : at;
}

/** A document as operator-registry writes it: keys in its own order, those of unknown schemas sorted; indented by four; a line feed behind. */
export function formatDocument(document: CatalogDocument): string {
  const schema = text(document['schema']);
  const ordered = ranks.includes(schema) ? orderKeys(document, schema, schema) : sortKeys(document);
  const json = restoreNumbers(JSON.stringify(ordered, null, 4));
  // Go escapes these two, JavaScript does not.
  return `${json.replace(/[\u2028\u2029]/g, (character) => (character === '\u2028' ? '\\u2028' : '\\u2029'))}\n`;
}

/** Known keys first, in the struct's order; empty ones are left out as `omitempty` does; what else there is follows by name. */
function orderKeys(value: object, struct: string, schema: string): Record<string, unknown> {
  const known = structs[struct] ?? [];
  const result: Record<string, unknown> = {};
  for (const mark of known) {
    const key = mark.replace('!', '');
    const inner: unknown = Reflect.get(value, key);
    if (!isEmpty(inner)) result[key] = orderInner(key, inner, schema);
    else if (mark !== key) result[key] = emptyValue(key, inner);
  }
  for (const [key, inner] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    if (!known.includes(key) && !known.includes(`${key}!`) && !isEmpty(inner)) result[key] = inner;
  return result;
}

function orderInner(key: string, value: unknown, schema: string): unknown {
  const struct = key === 'entries' ? `${schema} entries` : key;
  if (key === 'base64data' && typeof value === 'string') return value.replace(/\s+/g, '');
  if (!(struct in structs) || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => orderInner(key, item, schema));
  return orderKeys(value, struct, schema);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

/** Lists and values keep what they are; everything else that is always written is text. */
function emptyValue(key: string, value: unknown): unknown {
  return key === 'entries' || key === 'value' ? (value ?? null) : '';
}

/** What is kept of a document, changed where the selection changes it; undefined drops it. */
export function trimDocument(document: CatalogDocument, selection: CatalogSelection): CatalogDocument | undefined {
  const owner = packageOf(document);
  const kept = selection.packages.get(owner);
  if (!needsPackage(document)) {
    const isWanted = owner === '' || kept !== undefined || (selection.asked?.has(owner) ?? true);
    return isWanted ? document : undefined;
  }
  if (!kept) return undefined;
  const name = text(document['name']);
  switch (document['schema']) {
    case schemas.package:
      return { ...document, defaultChannel: kept.defaultChannel };
    case schemas.channel: {
      const names = kept.channels.get(name);
      return (
        names && {
          ...document,
          entries: list(document['entries']).filter((entry) => names.has(text(field(entry, 'name')))),
        }
      );
    }
    case schemas.bundle:
      return kept.bundles.has(name) ? document : undefined;
    case schemas.deprecations:
      return trimDeprecations(document, kept);
    default:
      return document;
  }
}

function trimDeprecations(document: CatalogDocument, kept: PackageSelection): CatalogDocument {
  const entries = list(document['entries']).filter((entry) => {
    const [schema, name] = [field(field(entry, 'reference'), 'schema'), text(field(field(entry, 'reference'), 'name'))];
    if (schema === schemas.channel) return kept.channels.has(name);
    return schema === schemas.bundle ? kept.bundles.has(name) : true;
  });
  return { ...document, entries };
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}
