import path from 'node:path';
import zlib from 'node:zlib';
import { AirlockError, errorText } from '../../core/errors.ts';
import { readFileLimited } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { parseYaml } from '../../core/yaml.ts';
import { readTar } from '../layer/tar-reader.ts';

const chartLimitBytes = 256 << 20;

/** The text files of a chart by path below its folder, those of its sub-charts below `charts/<name>/`. */
export type ChartFiles = ReadonlyMap<string, string>;

/** A chart in memory. */
export interface Chart {
  readonly name: string;
  readonly version: string;
  readonly appVersion: string;
  readonly isLibrary: boolean;
  readonly files: ChartFiles;
}

/** Reads a packaged chart. @throws AirlockError HELM_CHART_INVALID */
export async function readChartArchive(bytes: Buffer, origin: string): Promise<Chart> {
  const parts = new Map<string, Buffer[]>();
  try {
    await readTar([zlib.gunzipSync(bytes, { maxOutputLength: chartLimitBytes })], (member) => {
      if (member.kind !== 'file') return undefined;
      // Everything lies below one folder that bears the chart's name.
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
  return toChart(new Map([...parts].map(([name, chunks]) => [name, Buffer.concat(chunks).toString('utf8')])), origin);
}

/** Reads a chart's folder. @throws AirlockError HELM_CHART_INVALID, FILE_NOT_FOUND */
export async function readChartFolder(folder: string, run: Run): Promise<Chart> {
  const files = new Map<string, string>();
  const walk = async (below: string): Promise<void> => {
    for (const entry of await run.disk.list(path.join(folder, below))) {
      const name = path.posix.join(below, entry.name);
      if (entry.kind === 'directory') await walk(name);
      else if (entry.kind === 'file')
        files.set(name, (await readFileLimited(path.join(folder, name), run, chartLimitBytes)).toString('utf8'));
    }
  };
  await walk('');
  return toChart(files, folder);
}

function toChart(files: ChartFiles, origin: string): Chart {
  const text = files.get('Chart.yaml');
  if (text === undefined) throw new AirlockError('HELM_CHART_INVALID', `${origin} has no Chart.yaml`);
  const metadata = readYaml(text);
  const at = (key: string): string => {
    const value = metadata[key];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  return {
    name: at('name'),
    version: at('version'),
    appVersion: at('appVersion'),
    isLibrary: at('type') === 'library',
    files,
  };
}

/** The sub-charts that lie unpacked in a chart. */
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
