import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');

/** Import direction: a folder may import folders of lower rank only. */
const ranks: Readonly<Record<string, number>> = {
  core: 0,
  oci: 1,
  certs: 2,
  dns: 2,
  registry: 2,
  webserver: 2,
  cluster: 2,
  config: 2,
  plan: 3,
  mirror: 4,
  fetch: 4,
  bundle: 4,
  manifests: 4,
  check: 4,
  workflow: 5,
  cli: 6,
};

/** Each package that the project was founded on has one owner; the others that touch the outside world likewise. */
const owners: Readonly<Record<string, string>> = {
  '@kubernetes/client-node': 'cluster',
  'node-forge': 'certs',
  tar: 'bundle',
  undici: 'core',
  dockerode: 'registry',
  yaml: 'core',
  'dns-packet': 'dns',
  'ipaddr.js': 'core',
  openpgp: 'mirror',
  commander: 'cli',
  koffi: 'core',
};

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = listSources(path.join(root, 'src'));
const imports = files.flatMap(readImports);

describe('imports', () => {
  test('go down only', () => {
    const wrong = imports.filter(({ from, to }) => {
      const [a, b] = [folderOf(from), folderOf(to)];
      return a !== undefined && b !== undefined && a !== b && (ranks[a] ?? -1) <= (ranks[b] ?? 99);
    });
    expect(wrong).toEqual([]);
  });

  test('reach another folder through its index only, except core which has none', () => {
    const wrong = imports.filter(({ from, to }) => {
      const target = folderOf(to);
      return target !== undefined && target !== 'core' && folderOf(from) !== target && path.basename(to) !== 'index.ts';
    });
    expect(wrong).toEqual([]);
  });

  test('make no cycle, type imports included', () => {
    expect(findCycle()).toEqual([]);
  });

  test('name a known folder', () => {
    const unknown = files
      .map((file) => folderOf(file))
      .filter((folder) => folder === undefined || ranks[folder] === undefined);
    expect(unknown).toEqual([]);
  });

  test('use each owned package in its one folder', () => {
    const wrong = imports.filter(({ from, to }) => {
      const owner = owners[packageOf(to)];
      return owner !== undefined && owner !== folderOf(from);
    });
    expect(wrong).toEqual([]);
  });
});

describe('source files', () => {
  test('have no default export and no wildcard re-export', () => {
    const wrong = files.filter((file) => /^export (?:default\b|\*)/m.test(readFileSync(file, 'utf8')));
    expect(wrong).toEqual([]);
  });

  test('stay small enough to be read', () => {
    const long = files.filter((file) => readFileSync(file, 'utf8').split('\n').length > 420);
    expect(long).toEqual([]);
  });

  test('load the 800 files of the cluster library only when a cluster is asked', () => {
    const wrong = files.filter((file) =>
      /^import (?!type )[^;]*from '@kubernetes\/client-node'/m.test(readFileSync(file, 'utf8')),
    );
    expect(wrong).toEqual([]);
  });

  test('read the process only at the edge', () => {
    const wrong = files.filter(
      (file) => !file.includes('/src/cli/') && /\bprocess\.(?:env|cwd|argv|exit)\b/.test(readFileSync(file, 'utf8')),
    );
    expect(wrong).toEqual([]);
  });
});

function listSources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

function readImports(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g,
    ),
  ];
  return found.map((match) => {
    const name = match[1] ?? match[2] ?? match[3] ?? '';
    return { from: file, to: name.startsWith('.') ? path.resolve(path.dirname(file), name) : name };
  });
}

function folderOf(file: string): string | undefined {
  const relative = path.relative(path.join(root, 'src'), file);
  return relative.startsWith('..') || !path.isAbsolute(file) ? undefined : relative.split(path.sep)[0];
}

function packageOf(name: string): string {
  return name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : (name.split('/')[0] ?? name);
}

/** The files of one import cycle, [] when there is none. Dynamic imports count: a cycle through one is still a cycle. */
function findCycle(): string[] {
  const edges = new Map<string, string[]>();
  for (const { from, to } of imports) if (path.isAbsolute(to)) edges.set(from, [...(edges.get(from) ?? []), to]);
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): string[] => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next, [...trail, file]);
      if (cycle.length > 0) return cycle;
    }
    done.add(file);
    return [];
  };
  for (const file of files) {
    const cycle = visit(file, []);
    if (cycle.length > 0) return cycle.map((one) => path.relative(root, one));
  }
  return [];
}
