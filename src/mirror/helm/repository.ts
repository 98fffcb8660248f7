import { compareVersions, findLenientVersion } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { redactUrl } from '../../core/http-errors.ts';
import { findVersionConstraint } from '../version-constraint.ts';
import { readYaml } from './chart.ts';

/** A chart version as a repository's index lists it. */
export interface ChartEntry {
  readonly name: string;
  readonly version: string;
  /** Absolute, of any scheme. */
  readonly url: string;
  /** sha256 in hex; '' when the index has none. */
  readonly digest: string;
  readonly isLibrary: boolean;
}

/** Decodes a repository's `index.yaml`. @throws AirlockError HELM_REPOSITORY_INVALID @see helm.sh/docs "The index file" */
export function parseRepositoryIndex(yaml: string, url: string): ChartEntry[] {
  const entries = readYaml(yaml)['entries'];
  if (typeof entries !== 'object' || entries === null)
    throw new AirlockError('HELM_REPOSITORY_INVALID', `${redactUrl(url)} is no index of a Helm repository`);
  return Object.entries(entries).flatMap(([name, versions]) =>
    (Array.isArray(versions) ? versions : []).flatMap((one: unknown) => toEntry(name, one, url)),
  );
}

function toEntry(name: string, value: unknown, url: string): ChartEntry[] {
  if (typeof value !== 'object' || value === null) return [];
  const { version, urls, digest, type } = value as Record<string, unknown>;
  const [first] = Array.isArray(urls) ? urls : [];
  if ((typeof version !== 'string' && typeof version !== 'number') || typeof first !== 'string') return [];
  // Both become part of a file's name.
  if (!/^\w[\w.-]*$/.test(name) || !/^\w[\w.+-]*$/.test(String(version))) return [];
  return [
    {
      name,
      version: String(version),
      url: URL.canParse(first, url) ? new URL(first, url).href : first,
      digest: typeof digest === 'string' ? digest.replace(/^sha256:/, '') : '',
      isLibrary: type === 'library',
    },
  ];
}

/**
 * The wanted version of a chart, as helm finds it: the one that is named, else the newest that fits the range (`~1.2`, `>=1.0 <2`, `*` without
 * any). A pre-release is taken only where it or its range says so.
 * @throws AirlockError HELM_CHART_UNKNOWN @see helm pkg/repo, "IndexFile.Get"
 */
export function selectChart(entries: readonly ChartEntry[], name: string, version: string | undefined): ChartEntry {
  const known = entries.filter((entry) => entry.name === name);
  const found = known.find((entry) => entry.version === version) ?? newest(known, version || '*');
  if (found) return found;
  const versions = known.map((entry) => entry.version).join(', ');
  throw new AirlockError('HELM_CHART_UNKNOWN', `the repository has no chart ${name}${version ? ` ${version}` : ''}`, {
    ...(versions ? { hint: `it has ${versions}` } : {}),
  });
}

function newest(entries: readonly ChartEntry[], range: string): ChartEntry | undefined {
  const fits = findVersionConstraint(range);
  const parsed = entries.flatMap((entry) => {
    const version = findLenientVersion(entry.version);
    return version && fits?.(version) ? [{ entry, version }] : [];
  });
  return parsed.sort((a, b) => compareVersions(b.version, a.version))[0]?.entry;
}
