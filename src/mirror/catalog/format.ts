import { field, list, packageOf, schemas, text } from './content.ts';
import type { CatalogDocument } from './documents.ts';
import type { CatalogSelection, PackageSelection } from './filter.ts';

const keyOrder: Readonly<Record<string, readonly string[]>> = {
  [schemas.package]: ['schema', 'name', 'defaultChannel', 'icon', 'description', 'properties'],
  [schemas.channel]: ['schema', 'name', 'package', 'entries', 'properties'],
  [schemas.bundle]: ['schema', 'name', 'package', 'image', 'properties', 'relatedImages'],
  [schemas.deprecations]: ['schema', 'package', 'entries'],
};

/** Where a document goes in its package's file: packages, channels, bundles, deprecations, others. */
export function documentRank(document: CatalogDocument): number {
  const at = Object.keys(keyOrder).indexOf(text(document['schema']));
  return at < 0 ? Object.keys(keyOrder).length : at;
}

/** Keys of the objects inside known documents, by the key that holds them. */
const innerOrder: Readonly<Record<string, readonly string[]>> = {
  icon: ['base64data', 'mediatype'],
  properties: ['type', 'value'],
  relatedImages: ['name', 'image'],
  entries: ['name', 'replaces', 'skips', 'skipRange', 'reference', 'message'],
  reference: ['schema', 'name'],
};

/** A document as operator-registry writes it: keys in its own order, those of unknown schemas sorted; indented by four; a line feed behind. */
export function formatDocument(document: CatalogDocument): string {
  const order = keyOrder[text(document['schema'])];
  return `${JSON.stringify(order ? orderKeys(document, order) : sortKeys(document), null, 4)}\n`;
}

/** Known keys first, in Go's struct order; empty ones are left out as `omitempty` does; what else there is follows by name. */
function orderKeys(value: object, order: readonly string[]): Record<string, unknown> {
  const rank = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length);
  const entries = Object.entries(value)
    .filter(([key, inner]) => !isOmitted(key, inner))
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, orderInner(key, inner)]));
}

function orderInner(key: string, value: unknown): unknown {
  const order = innerOrder[key];
  if (!order || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => orderInner(key, item));
  return orderKeys(value, order);
}

/** What is kept of a document, changed where the selection changes it; undefined drops it. */
export function trimDocument(document: CatalogDocument, selection: CatalogSelection): CatalogDocument | undefined {
  const owner = packageOf(document);
  if (owner === '') return document;
  const kept = selection.packages.get(owner);
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

function trimDeprecations(document: CatalogDocument, kept: PackageSelection): CatalogDocument | undefined {
  const entries = list(document['entries']).filter((entry) => {
    const [schema, name] = [field(field(entry, 'reference'), 'schema'), text(field(field(entry, 'reference'), 'name'))];
    if (schema === schemas.channel) return kept.channels.has(name);
    return schema === schemas.bundle ? kept.bundles.has(name) : true;
  });
  return entries.length > 0 ? { ...document, entries } : undefined;
}

/** Go leaves these out when they are empty. */
function isOmitted(key: string, value: unknown): boolean {
  if (key === 'schema' || key === 'name' || key === 'image' || key === 'value') return false;
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
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
