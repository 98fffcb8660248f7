import path from 'node:path';
import { readHistory } from '../bundle/index.ts';
import { readFileLimited } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import { readDiskUse } from './site/disk-use.ts';

/** One thing that is gathered. */
export interface GatheredPart {
  readonly path: string;
  readonly what: string;
  readonly gather: () => Promise<string>;
}

/** What support asks for of a connected host: what lies in DIR, the records of its workspace, and how each build ended. */
export async function listBuildParts(folder: string, run: Run): Promise<GatheredPart[]> {
  const names = (await run.disk.list(folder)).map((entry) => entry.name).filter((name) => /^gen-[0-9]{6}/.test(name));
  const results: GatheredPart[] = [];
  for (const name of names) {
    const file = path.join(folder, name, 'result.json');
    if (!(await run.disk.stat(file))) continue;
    results.push({
      path: `build/${name}-result.json`,
      what: `how the build of ${name} ended`,
      gather: async () => (await readFileLimited(file, run)).toString(),
    });
  }
  return [
    {
      path: 'build/folders.json',
      what: 'files of DIR with their sizes, and the room there',
      gather: async () => prettyJson({ disks: await readDiskUse([folder]), files: await listSizes(folder, run) }),
    },
    {
      path: 'build/records.json',
      what: 'generations that the workspace knows',
      gather: async () => prettyJson(await describeRecords(path.join(folder, '.airlock'), run)),
    },
    ...results,
  ];
}

/** Files of DIR and of its folders, but nothing of the blobs that planning keeps. */
async function listSizes(folder: string, run: Run): Promise<unknown> {
  const found: { path: string; sizeBytes: number; modifiedAt: string }[] = [];
  const walk = async (below: string, depth: number): Promise<void> => {
    for (const { name, kind } of await run.disk.list(path.join(folder, below))) {
      const relative = path.join(below, name);
      if (kind === 'directory' && depth > 0 && name !== 'blobs') await walk(relative, depth - 1);
      const stat = kind === 'file' ? await run.disk.stat(path.join(folder, relative)) : undefined;
      if (stat) found.push({ path: relative, sizeBytes: stat.sizeBytes, modifiedAt: stat.modifiedAt.toISOString() });
    }
  };
  await walk('', 2);
  return found;
}

async function describeRecords(workspace: string, run: Run): Promise<unknown> {
  const { generations } = await readHistory(workspace, run);
  return generations.map(({ blobs, assumed, files, signature, ...record }) => ({
    ...record,
    signed: signature !== '',
    blobs: blobs.length,
    assumed: assumed.length,
    files: files.length,
  }));
}
