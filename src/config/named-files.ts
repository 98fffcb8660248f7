import path from 'node:path';
import { readDocument } from './document.ts';
import { Faults } from './faults.ts';
import { parseMirrorReference } from './mirror-reference.ts';
import {
  type ConfigNode,
  type ConfigPath,
  findEntry,
  findNode,
  findPlace,
  formatPath,
  type Position,
  toPlain,
} from './node.ts';
import type { Site } from './site.ts';
import { listSiteTexts, specSchema } from './site-texts.ts';

/**
 * Who opens a named file. `connected`: plan and build; `site-connected`: they too, but it is a site that names it, which both hosts have. `bastion`: services and emit. `apply`: commands that talk to the cluster, when there is
 * one. `optional`: plan, which goes on without it.
 */
export type FileReader = 'connected' | 'site-connected' | 'bastion' | 'apply' | 'optional';

/** A file that a site names. */
export interface SiteFileName {
  /** Below `spec`. */
  readonly path: ConfigPath;
  readonly file: string;
  readonly reader: FileReader;
}

/** A file or folder that a configuration file names, with its place there. */
export interface NamedFile extends SiteFileName, Position {
  /** What it has to be; `either`: a chart is a package or a folder. */
  readonly kind: 'file' | 'folder' | 'either';
  /** Its path in the document as text: `spec.pullSecretFile`. */
  readonly place: string;
}

/** What a configuration names on the file system of the host that reads it. */
export interface NamedFiles {
  readonly files: readonly NamedFile[];
  /** `spec.paths.state` of a site: where it is, a bundle was loaded or services were started. */
  readonly stateFolder?: string | undefined;
}

/** Every file that a site names, with absolute paths; not the folders of `paths`, which Airlock makes. */
export function listSiteFiles(site: Site): SiteFileName[] {
  return listFiles(site);
}

/**
 * Every file that a Site or an ImageSetConfiguration names, also where the rest of it is wrong. Relative paths start at the folder of a site file;
 * those of an ImageSetConfiguration stay as they are, since they start where the command runs, as in oc-mirror.
 */
export function findNamedFiles(file: string, text: string): NamedFiles {
  const root = readDocument(text, new Faults(file), '1.2')?.root;
  if (!root) return { files: [] };
  if (findEntry(root, 'mirror')) return { files: imageSetFiles(root) };
  const spec = findEntry(root, 'spec')?.node;
  if (!spec) return { files: [] };
  const resolve = (name: string): string => path.resolve(path.dirname(path.resolve(file)), name);
  const plain = toPlain(spec);
  const files = listFiles(plain).map((one): NamedFile => {
    const at = ['spec', ...one.path];
    return { ...one, ...placeOf(root, at), path: at, file: resolve(one.file), kind: 'file' };
  });
  const state = findEntry(spec, 'paths')?.node;
  const written = state && findEntry(state, 'state')?.node;
  const name = written?.kind === 'scalar' && typeof written.value === 'string' ? written.value : defaultState();
  return { files, stateFolder: resolve(name) };
}

function defaultState(): string {
  return String(specSchema().properties?.['paths']?.properties?.['state']?.default);
}

function listFiles(spec: unknown): SiteFileName[] {
  return listSiteTexts(spec, 'file').flatMap(({ path: at, text }) =>
    at[0] === 'paths' || text === '' ? [] : [{ path: at, file: text, reader: readerOf(at) }],
  );
}

function readerOf(at: ConfigPath): FileReader {
  if (at[0] === 'imageSet') return 'site-connected';
  return at.at(-1) === 'kubeconfig' ? 'apply' : 'bastion';
}

/** Catalogs in OCI layouts, templates of CatalogSources, local charts (oc-mirror-v2.md §1). */
function imageSetFiles(root: ConfigNode): NamedFile[] {
  const found: NamedFile[] = [];
  const add = (at: ConfigPath, file: string | undefined, wanted: Pick<NamedFile, 'kind' | 'reader'>): void => {
    if (file) found.push({ ...wanted, ...placeOf(root, at), path: at, file });
  };
  for (const at of itemsAt(root, ['mirror', 'operators'])) {
    const catalog = parseMirrorReference(textAt(root, [...at, 'catalog']) ?? '');
    const folder = 'fault' in catalog || catalog.transport !== 'oci' ? undefined : catalog.pathComponent;
    add([...at, 'catalog'], folder, { kind: 'folder', reader: 'connected' });
    const template = [...at, 'targetCatalogSourceTemplate'];
    add(template, textAt(root, template), { kind: 'file', reader: 'optional' });
  }
  for (const at of itemsAt(root, ['mirror', 'helm', 'local']))
    add([...at, 'path'], textAt(root, [...at, 'path']), { kind: 'either', reader: 'connected' });
  return found;
}

function itemsAt(root: ConfigNode, at: ConfigPath): ConfigPath[] {
  const node = findNode(root, at);
  return node?.kind === 'list' ? node.items.map((_item, index) => [...at, index]) : [];
}

function textAt(root: ConfigNode, at: ConfigPath): string | undefined {
  const node = findNode(root, at);
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
}

function placeOf(root: ConfigNode, at: ConfigPath): Position & { readonly place: string } {
  return { ...(findPlace(root, at) ?? { line: 1, column: 1 }), place: formatPath(at) };
}
