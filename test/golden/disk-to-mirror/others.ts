import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseYamlStream } from '../../../src/core/yaml.ts';
import { type AdditionalSet, digestTag, type HelmSet, type Job, splitReference } from './job.ts';

/** What disk-to-mirror copies for `additionalImages` (reference §5.2). */
export function collectAdditional(images: readonly AdditionalSet[], job: Job): void {
  for (const { name, targetRepo, targetTag, platforms } of images) {
    if (name.startsWith('oci://')) {
      const repository = targetRepo ?? name.slice('oci://'.length).replace(/^\//, '');
      job.copy({ origin: name, repository, tag: targetTag ?? 'latest', platforms });
      continue;
    }
    const parts = splitReference(name);
    const tag = targetTag ?? (parts.tag || digestTag(parts.digest));
    job.copy({ origin: name, repository: targetRepo ?? parts.path, tag, platforms });
  }
}

/** Finds the chart files that disk-to-mirror renders; which images they name only Helm says. */
export function findCharts({ repositories = [] }: HelmSet, job: Job): void {
  for (const { url, charts } of repositories)
    for (const chart of charts ?? chartsOfIndex(url, job)) assertChart(chart, job);
}

function assertChart({ name, version = '' }: { readonly name: string; readonly version?: string }, job: Job): void {
  const folder = path.join(job.workingDir, 'helm/charts');
  const found = [`${name}-${version}.tgz`, `${name}-v${version}.tgz`].find((file) =>
    existsSync(path.join(folder, file)),
  );
  if (!found) throw new Error(`chart ${name} ${version} is not in working-dir`);
  if (readFileSync(path.join(folder, found)).readUInt16BE() !== 0x1f8b) throw new Error(`${found} is no gzip`);
}

/**
 * A repository without listed charts: every version of every chart of its saved index that is no library. The index lies below what the URL has
 * between its scheme and its last slash.
 */
function chartsOfIndex(url: string, job: Job): { name: string; version: string }[] {
  const place = url.split('/').slice(2, -1).join('/');
  const file = path.join(job.workingDir, 'helm/indexes', place, 'index.yaml');
  const [index] = parseYamlStream(readFileSync(file, 'utf8')) as {
    entries: Record<string, { name: string; version: string; type?: string }[]>;
  }[];
  return Object.values(index?.entries ?? {}).flatMap((versions) => versions.filter(({ type }) => type !== 'library'));
}
