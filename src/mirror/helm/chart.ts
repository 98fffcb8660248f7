import path from 'node:path';
import zlib from 'node:zlib';
import { AirlockError, errorText } from '../../core/errors.ts';
import { readFileLimited } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { parseYaml } from '../../core/yaml.ts';
import { readTar } from '../layer/tar-reader.ts';

const chartLimitBytes = 256 << 20;
const depthLimit = 6;

/** The text files of a chart by path below its folder, those of its sub-charts below `charts/<name>/`, packed ones too. */
export type ChartFiles = ReadonlyMap<string, string>;

/** What a chart says of one that it needs. */
export interface ChartDependency {
  readonly name: string;
  /** Under which the chart's values hold those of the dependency. */
  readonly alias: string;
  /** Paths of values, parted by commas; the first that is there switches the dependency on or off. */
  readonly condition: string;
}

/** A chart in memory. */
export interface Chart {
  readonly name: string;
  readonly version: string;
  readonly appVersion: string;
  /** Versions of Kubernetes that it wants; '' for any. */
  readonly kubeVersion: string;
  readonly isLibrary: boolean;
  readonly dependencies: readonly ChartDependency[];
  readonly files: ChartFiles;
}

/** Reads a packaged chart. @throws AirlockError HELM_CHART_INVALID */
export async function readChartArchive(bytes: Buffer, origin: string): Promise<Chart> {
  return toChart(await toText(await unpack(bytes, origin), 0), origin);
}

/** Reads a chart's folder. @throws AirlockError HELM_CHART_INVALID, FILE_NOT_FOUND */
export async function readChartFolder(folder: string, run: Run): Promise<Chart> {
  const files = new Map<string, Buffer>();
  const walk = async (below: string): Promise<void> => {
    for (const entry of await run.disk.list(path.join(folder, below))) {
      const name = path.posix.join(below, entry.name);
      if (entry.kind === 'directory') await walk(name);
      else if (entry.kind === 'file')
        files.set(name, await readFileLimited(path.join(folder, name), run, chartLimitBytes));
    }
  };
  await walk('');
  return toChart(await toText(files, 0), folder);
}

/** The files of a packaged chart; everything in it lies below one folder that bears the chart's name. */
async function unpack(bytes: Buffer, origin: string): Promise<Map<string, Buffer>> {
  const parts = new Map<string, Buffer[]>();
  try {
    await readTar([zlib.gunzipSync(bytes, { maxOutputLength: chartLimitBytes })], (member) => {
      if (member.kind !== 'file') return undefined;
      const chunks: Buffer[] = [];
      parts.set(member.name.slice(member.name.indexOf('/') + 1), chunks);
      return (chunk) => {
        chunks.push(chunk);
      };
    });
  } catch (error) {
    throw new AirlockError('HELM_CHART_INVALID', `${origin} is no packaged chart: ${errorText(error)}`, {
      cause: error,
    });
  }
  return new Map([...parts].map(([name, chunks]) => [name, Buffer.concat(chunks)]));
}

/** All files as text; packed sub-charts as if they lay there unpacked. */
async function toText(files: ReadonlyMap<string, Buffer>, depth: number): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const [name, bytes] of files) {
    const sub = /^charts\/([^/]+)\.tgz$/.exec(name)?.[1];
    if (sub === undefined) texts.set(name, bytes.toString('utf8'));
    else if (depth < depthLimit)
      for (const [inner, text] of await toText(await unpack(bytes, name), depth + 1))
        texts.set(`charts/${sub}/${inner}`, text);
  }
  return texts;
}

function toChart(files: ChartFiles, origin: string): Chart {
  const text = files.get('Chart.yaml');
  if (text === undefined) throw new AirlockError('HELM_CHART_INVALID', `${origin} has no Chart.yaml`);
  const metadata = readYaml(text);
  // Charts of the first API version list them in a file of their own.
  const listed = metadata['dependencies'] ?? readYaml(files.get('requirements.yaml') ?? '')['dependencies'];
  return {
    name: textAt(metadata, 'name'),
    version: textAt(metadata, 'version'),
    appVersion: textAt(metadata, 'appVersion'),
    kubeVersion: textAt(metadata, 'kubeVersion'),
    isLibrary: textAt(metadata, 'type') === 'library',
    dependencies: (Array.isArray(listed) ? listed : []).map((one: unknown) => ({
      name: textAt(one, 'name'),
      alias: textAt(one, 'alias') || textAt(one, 'name'),
      condition: textAt(one, 'condition'),
    })),
    files,
  };
}

function textAt(value: unknown, key: string): string {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return typeof found === 'string' || typeof found === 'number' ? String(found) : '';
}

/** The sub-charts that lie in a chart. */
export function subCharts(chart: Chart): Chart[] {
  const names = new Set(
    [...chart.files.keys()].flatMap((name) => /^charts\/([^/]+)\/Chart\.yaml$/.exec(name)?.[1] ?? []),
  );
  return [...names].map((name) => {
    const prefix = `charts/${name}/`;
    const own = [...chart.files].filter(([file]) => file.startsWith(prefix));
    return toChart(new Map(own.map(([file, text]) => [file.slice(prefix.length), text])), `${chart.name}/${name}`);
  });
}

/** A YAML mapping; {} for anything else, broken text included. */
export function readYaml(text: string): Record<string, unknown> {
  try {
    const value = parseYaml(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}
