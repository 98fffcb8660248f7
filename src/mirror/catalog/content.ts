import { AirlockError } from '../../core/errors.ts';
import type { CatalogDocument } from './documents.ts';
import { propertyFaults } from './properties.ts';
import { field, list, text } from './values.ts';

/** Schemas of file-based catalogs. @see OLM documentation, "File-based catalogs" */
export const schemas = {
  package: 'olm.package',
  channel: 'olm.channel',
  bundle: 'olm.bundle',
  deprecations: 'olm.deprecations',
} as const;

const known: readonly unknown[] = Object.values(schemas);

export interface ChannelEntry {
  readonly name: string;
  readonly replaces: string;
  readonly skips: readonly string[];
}

export interface CatalogBundle {
  readonly name: string;
  readonly image: string;
  /** Of its `olm.package` property; undefined without one. */
  readonly version: string | undefined;
  /** What makes it unlike another bundle of the same version; '' for nearly all. */
  readonly release: string;
  readonly relatedImages: readonly string[];
  /** What is wrong with its properties, for `checkCatalog`. */
  readonly faults: readonly string[];
}

/** One entry of `olm.deprecations`. */
export interface Deprecation {
  readonly schema: string;
  /** '' for the package itself. */
  readonly name: string;
  readonly message: string;
}

/** What selection needs of a package; the documents themselves stay in the layer. */
export interface CatalogPackage {
  readonly name: string;
  /** undefined when the catalog has channels or bundles of it but no `olm.package`. */
  defaultChannel: string | undefined;
  readonly channels: Map<string, readonly ChannelEntry[]>;
  readonly bundles: Map<string, CatalogBundle>;
  readonly deprecations: Deprecation[];
  /** Names that came twice and other faults, for `checkCatalog`. */
  readonly faults: string[];
}

/** A catalog, package by package. */
export type CatalogContent = Map<string, CatalogPackage>;

/**
 * Adds what a document says to `content`. Documents of other schemas add nothing, nor do those that name no package.
 * @throws AirlockError CATALOG_UNREADABLE for what operator-registry cannot load either: no schema, names that are no text
 */
export function addDocument(content: CatalogContent, document: CatalogDocument): void {
  const schema = requireSchema(document);
  const owner = packageOf(document);
  if (owner === '' || !known.includes(schema)) return;
  requireText(document, ['name', 'package', 'defaultChannel', 'image']);
  const name = text(document['name']);
  const entry = content.get(owner) ?? emptyPackage(owner);
  content.set(owner, entry);
  const addOnce = <V>(map: Map<string, V>, value: V, what: string): void => {
    if (map.has(name)) entry.faults.push(`${what} ${name} stands there twice`);
    map.set(name, value);
  };
  if (schema === schemas.package) {
    if (entry.defaultChannel !== undefined) entry.faults.push(`package ${owner} stands there twice`);
    entry.defaultChannel = text(document['defaultChannel']);
    if (!isBase64(field(document['icon'], 'base64data'))) entry.faults.push('its icon is not in base64');
  } else if (schema === schemas.channel) addOnce(entry.channels, list(document['entries']).map(toEntry), 'channel');
  else if (schema === schemas.bundle) addOnce(entry.bundles, toBundle(name, document), 'bundle');
  else {
    if (entry.deprecations.length > 0) entry.faults.push('olm.deprecations stands there twice');
    entry.deprecations.push(...list(document['entries']).map(toDeprecation));
  }
}

/** The package that a document belongs to: its own name for `olm.package`, else `package`; '' for none. */
export function packageOf(document: CatalogDocument): string {
  return document['schema'] === schemas.package ? text(document['name']) : text(document['package']);
}

/** Whether a document is one that cannot be without a package. */
export function needsPackage(document: CatalogDocument): boolean {
  return known.includes(document['schema']);
}

function requireSchema(document: CatalogDocument): string {
  const schema = document['schema'];
  if (typeof schema === 'string' && schema !== '') return schema;
  throw unreadable(`a document has no schema: ${JSON.stringify(document).slice(0, 80)}`);
}

function requireText(value: unknown, keys: readonly string[]): void {
  for (const key of keys) {
    const found = field(value, key);
    if (found === undefined || found === null || typeof found === 'string') continue;
    throw unreadable(`${key} ${JSON.stringify(found).slice(0, 80)} is no text; YAML wants quotes around it`);
  }
}

function unreadable(why: string): AirlockError {
  return new AirlockError('CATALOG_UNREADABLE', `the catalog cannot be read: ${why}`);
}

function emptyPackage(name: string): CatalogPackage {
  return { name, defaultChannel: undefined, channels: new Map(), bundles: new Map(), deprecations: [], faults: [] };
}

function toEntry(entry: unknown): ChannelEntry {
  requireText(entry, ['name', 'replaces', 'skipRange']);
  return {
    name: text(field(entry, 'name')),
    replaces: text(field(entry, 'replaces')),
    skips: list(field(entry, 'skips')).map(text),
  };
}

function toBundle(name: string, document: CatalogDocument): CatalogBundle {
  const properties = list(document['properties']);
  const value = field(
    properties.find((property) => field(property, 'type') === schemas.package),
    'value',
  );
  const version = field(value, 'version');
  return {
    name,
    image: text(document['image']),
    version: typeof version === 'string' ? version : undefined,
    release: text(field(value, 'release')),
    relatedImages: list(document['relatedImages']).map((related) => text(field(related, 'image'))),
    faults: propertyFaults(properties, { owner: packageOf(document), hasImage: text(document['image']) !== '' }),
  };
}

function toDeprecation(entry: unknown): Deprecation {
  const reference = field(entry, 'reference');
  return {
    schema: text(field(reference, 'schema')),
    name: text(field(reference, 'name')),
    message: text(field(entry, 'message')),
  };
}

function isBase64(value: unknown): boolean {
  return (
    value === undefined || value === null || (typeof value === 'string' && /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value))
  );
}
