import { compareVersions, findLenientVersion } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { parseHttpUrl } from '../http-access.ts';
import { readYaml } from './chart.ts';

/** A chart version as a repository's index lists it. */
export interface ChartEntry {
  readonly name: string;
  readonly version: string;
  /** Absolute. */
  readonly url: string;
  /** sha256 in hex; '' when the index has none. */
  readonly digest: string;
  readonly isLibrary: boolean;
}

/** Decodes a repository's `index.yaml`. @throws AirlockError HELM_REPOSITORY_INVALID @see helm.sh/docs "The index file" */
export function parseRepositoryIndex(yaml: string, url: string): ChartEntry[] {
  const entries = readYaml(yaml)['entries'];
  if (typeof entries !== 'object' || entries === null)
    throw new AirlockError('HELM_REPOSITORY_INVALID', `${url} is no index of a Helm repository`);
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
      url: parseHttpUrl(first, url).href,
      digest: typeof digest === 'string' ? digest.replace(/^sha256:/, '') : '',
      isLibrary: type === 'library',
    },
  ];
}

/**
 * The wanted version of a chart; without `version` the newest that is no pre-release, as helm takes it.
 * @throws AirlockError HELM_CHART_UNKNOWN
 */
export function selectChart(entries: readonly ChartEntry[], name: string, version: string | undefined): ChartEntry {
  const known = entries.filter((entry) => entry.name === name);
  const fits = (entry: ChartEntry): boolean => entry.version.replace(/^v/, '') === version?.replace(/^v/, '');
  const found = version ? known.find(fits) : newest(known);
  if (found) return found;
  const versions = known.map((entry) => entry.version).join(', ');
  throw new AirlockError('HELM_CHART_UNKNOWN', `the repository has no chart ${name}${version ? ` ${version}` : ''}`, {
    ...(versions ? { hint: `it has ${versions}` } : {}),
  });
}

function newest(entries: readonly ChartEntry[]): ChartEntry | undefined {
  const parsed = entries.flatMap((entry) => {
    const version = findLenientVersion(entry.version);
    return version ? [{ entry, version }] : [];
  });
  const stable = parsed.filter(({ version }) => version.prerelease.length === 0);
  return (stable.length > 0 ? stable : parsed).sort((a, b) => compareVersions(b.version, a.version))[0]?.entry;
}
