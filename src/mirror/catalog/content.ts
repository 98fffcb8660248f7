import type { CatalogDocument } from './documents.ts';

/** Schemas of file-based catalogs. @see OLM documentation, "File-based catalogs" */
export const schemas = {
  package: 'olm.package',
  channel: 'olm.channel',
  bundle: 'olm.bundle',
  deprecations: 'olm.deprecations',
} as const;

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
  /** How many `olm.package` properties it has. */
  readonly packageProperties: number;
  readonly relatedImages: readonly string[];
}

/** What selection needs of a package; the documents themselves stay in the layer. */
export interface CatalogPackage {
  readonly name: string;
  /** undefined when the catalog has channels or bundles of it but no `olm.package`. */
  defaultChannel: string | undefined;
  readonly channels: Map<string, readonly ChannelEntry[]>;
  readonly bundles: Map<string, CatalogBundle>;
  /** Names that came twice, for `checkCatalog`. */
  readonly repeated: string[];
}

/** A catalog, package by package. */
export type CatalogContent = Map<string, CatalogPackage>;

/** Adds what a document says to `content`. Documents of no known schema add nothing. */
export function addDocument(content: CatalogContent, document: CatalogDocument): void {
  const schema = text(document['schema']);
  const name = text(document['name']);
  const owner = packageOf(document);
  if (owner === '' || !(schema === schemas.package || schema === schemas.channel || schema === schemas.bundle)) return;
  const entry: CatalogPackage = content.get(owner) ?? {
    name: owner,
    defaultChannel: undefined,
    channels: new Map(),
    bundles: new Map(),
    repeated: [],
  };
  content.set(owner, entry);
  if (schema === schemas.package) {
    if (entry.defaultChannel !== undefined) entry.repeated.push(`package ${owner}`);
    entry.defaultChannel = text(document['defaultChannel']);
  } else if (schema === schemas.channel) {
    if (entry.channels.has(name)) entry.repeated.push(`channel ${name}`);
    entry.channels.set(name, list(document['entries']).map(toEntry));
  } else {
    if (entry.bundles.has(name)) entry.repeated.push(`bundle ${name}`);
    entry.bundles.set(name, toBundle(name, document));
  }
}

/** The package that a document belongs to: its own name for `olm.package`, else `package`; '' for none. */
export function packageOf(document: CatalogDocument): string {
  return document['schema'] === schemas.package ? text(document['name']) : text(document['package']);
}

function toEntry(entry: unknown): ChannelEntry {
  return {
    name: text(field(entry, 'name')),
    replaces: text(field(entry, 'replaces')),
    skips: list(field(entry, 'skips')).map(text),
  };
}

function toBundle(name: string, document: CatalogDocument): CatalogBundle {
  const properties = list(document['properties']).filter((property) => field(property, 'type') === schemas.package);
  const version = field(field(properties[0], 'value'), 'version');
  return {
    name,
    image: text(document['image']),
    version: typeof version === 'string' ? version : undefined,
    packageProperties: properties.length,
    relatedImages: list(document['relatedImages']).map((related) => text(field(related, 'image'))),
  };
}

export function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
