import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openBundle, readMember } from '../../src/bundle/index.ts';
import { errorText } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { repositoryLinks } from '../../src/oci/index.ts';
import type { Plan } from '../../src/plan/index.ts';
import { linkRow } from './expected.ts';
import { type CaseOptions, type OurRun, runCase } from './run-case.ts';

/** How one of our runs ended: with content, or with the sentence that refused it. */
export type CaseOutcome =
  | { readonly kind: 'done'; readonly run: OurRun }
  | { readonly kind: 'refused'; readonly reason: string };

/** Runs a case; refusals by configuration, failure or incomplete content come back as their text. */
export async function tryCase(name: string, folder: string, options: CaseOptions): Promise<CaseOutcome> {
  try {
    const run = await runCase(name, folder, options);
    if (run.build.state === 'complete') return { kind: 'done', run };
    return {
      kind: 'refused',
      reason: [run.build.state, ...run.build.missing.map((one) => `${one.type} ${one.origin}: ${one.cause}`)].join(
        '\n',
      ),
    };
  } catch (error) {
    return { kind: 'refused', reason: errorText(error) };
  }
}

/** The plan that lies beside our volumes. */
export function readPlan(run: Pick<OurRun, 'build'>): Plan {
  return JSON.parse(readFileSync(path.join(run.build.folder, 'plan.json'), 'utf8')) as Plan;
}

/** The link tree of our bundle in the form of `goldenArchiveLinks`. */
export function bundleLinks(run: OurRun): string[] {
  return readPlan(run)
    .repositories.flatMap((repository) => [...repositoryLinks(repository)].flatMap((link) => linkRow(link.path)))
    .sort();
}

/** Repositories of catalogs and graph images that were built: their digests differ from oc-mirror's, whose every build has another. */
export function rebuiltRepositories(run: OurRun): Set<string> {
  const plan = readPlan(run);
  return new Set([
    ...plan.catalogs.filter((catalog) => catalog.digest !== catalog.targetDigest).map((catalog) => catalog.repository),
    ...plan.images.filter((image) => image.type === 'cincinnatiGraph').map((image) => image.repository),
  ]);
}

/** The filtered catalogs of our bundle: `<filter hash>/<package>` → its blobs, parsed and sorted. */
export async function ourCatalogs(run: OurRun): Promise<Map<string, unknown[]>> {
  const found = new Map<string, unknown[]>();
  for (const bundle of await openBundle(run.build.folder, quietRun())) {
    for (const file of bundle.index.files) {
      const key = catalogKey(file.path);
      if (key) found.set(key, parseConcatenated((await readMember(bundle, file, quietRun())).toString()));
    }
  }
  return found;
}

/** `<filter hash>/<package>` of a filtered catalog file. */
export function catalogKey(file: string): string | undefined {
  const match = /filtered-catalogs\/([0-9a-f]{32})\/catalog-config\/(?:([^/]+)\/)?catalog\.json$/.exec(file);
  return match ? `${match[1]}/${match[2] ?? ''}` : undefined;
}

/** Concatenated JSON objects, each as canonical text, sorted: order is not compared. */
export function parseConcatenated(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{') {
      if (depth === 0) start = at;
      depth += 1;
    } else if (char === '}') {
      depth -= 1;
      if (depth === 0) parts.push(JSON.stringify(sortDeep(JSON.parse(text.slice(start, at + 1)))));
    }
  }
  return parts.sort();
}

function sortDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortDeep);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sortDeep(item)]),
  );
}
