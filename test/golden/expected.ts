import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sharedPath } from '../helpers/real.ts';
import { mirrorRules, readResources } from './run-case.ts';

/** The steps of a golden case in their order: `1-m2d`, `2-d2m` … */
export function goldenSteps(name: string): string[] {
  const folder = sharedPath(`golden/cases/${name}`) ?? '';
  return readdirSync(folder)
    .filter((entry) => /^\d+-/.test(entry))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

export function goldenFile(name: string, step: string, file: string): string | undefined {
  const found = path.join(sharedPath(`golden/cases/${name}/${step}`) ?? '', file);
  return existsSync(found) ? found : undefined;
}

/** The rows of registry.tsv as `repository<TAB>tag<TAB>digest`; undefined when the step has none. */
export function goldenRegistry(name: string, step: string): string[] | undefined {
  const file = goldenFile(name, step, 'registry.tsv');
  return file === undefined ? undefined : readRows(file);
}

export function readRows(file: string): string[] {
  const [, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => line.split('\t').slice(0, 3).join('\t')).sort();
}

/** Tags and revisions of the link tree in a step's archive, as registry rows without digests for revisions' tags. */
export function goldenArchiveLinks(name: string, step: string): string[] | undefined {
  const file = goldenFile(name, step, 'archive.tsv');
  if (file === undefined) return undefined;
  const names = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => line.split('\t').find((cell) => cell.startsWith('docker/registry/v2/repositories/')) ?? []);
  return [...new Set(names.flatMap(linkRow))].sort();
}

/** `repository tag digest` of a tag's index link, `repository - digest` of a revision link. */
export function linkRow(member: string): string[] {
  const tag = /repositories\/(.+)\/_manifests\/tags\/([^/]+)\/index\/sha256\/([0-9a-f]{64})\/link$/.exec(member);
  if (tag) return [`${tag[1]}\t${tag[2]}\tsha256:${tag[3]}`];
  const revision = /repositories\/(.+)\/_manifests\/revisions\/sha256\/([0-9a-f]{64})\/link$/.exec(member);
  return revision ? [`${revision[1]}\t-\tsha256:${revision[2]}`] : [];
}

/** Whether a golden step ended with exit code 0. */
export function goldenSucceeded(name: string, step: string): boolean {
  return readFileSync(goldenFile(name, step, 'exit-code') ?? '', 'utf8').trim() === '0';
}

/** The mirror rules that oc-mirror wrote in a step; undefined when it wrote none. */
export function goldenMirrors(name: string, step: string): string[] | undefined {
  const resources = goldenResources(name, step);
  return resources.size === 0 ? undefined : mirrorRules(resources);
}

/** The cluster resources that oc-mirror wrote in a step, by file name. */
export function goldenResources(name: string, step: string): Map<string, unknown> {
  const root = sharedPath(`golden/cases/${name}/${step}/files`);
  if (root === undefined) return new Map();
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath.endsWith('cluster-resources'))
    .map((entry) => path.join(entry.parentPath, entry.name));
  return readResources(files);
}

/** Resources but for mirror sets, which `mirrorRules` compares, and for who wrote them when. */
export function withoutProvenance(resources: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const others = [...resources].filter(([name]) => !/^i[dt]ms-/.test(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify(Object.fromEntries(others), (key, value: unknown) =>
    /^(?:createdAt|createdBy|oc-mirror_version)$/.test(key) ? undefined : value,
  );
  return JSON.parse(text) as Record<string, unknown>;
}

const signatureTag = /\tsha256-[0-9a-f]{64}\.sig\t/;

/**
 * Rows without what differs by design: oc-mirror writes cosign signatures anew, so that their manifests have other digests, and leaves
 * referrers behind (reference §14). Of signature tags only the name is compared; untagged manifests that only a side's signatures or
 * referrers explain are taken away by `foreign`.
 */
export function comparable(rows: readonly string[], foreign: ReadonlySet<string> = new Set()): string[] {
  return rows
    .filter((row) => !foreign.has(row))
    .map((row) => (signatureTag.test(row) ? row.split('\t').slice(0, 2).join('\t') : row))
    .sort();
}
