import path from 'node:path';
import type { Bundle } from '../bundle/index.ts';
import { findFile, removeTemporaries, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';

/** Name of the checksums beside the tools. */
export const toolSumsName = 'SHA256SUMS';

/** Writes the checksums of all tools that lie in the folder, for `sha256sum -c`; those of earlier loads stay in the list. */
export async function writeToolSums(bundles: readonly Bundle[], folder: string, run: Run): Promise<void> {
  const file = path.join(folder, toolSumsName);
  await removeTemporaries(folder, run, `${toolSumsName}.`);
  const before = (await findFile(file, run))?.toString('utf8') ?? '';
  const sums = new Map(
    before
      .split('\n')
      .filter((line) => /^[0-9a-f]{64} {2}[^/]+$/.test(line))
      .map((line): [string, string] => [line.slice(66), line.slice(0, 64)]),
  );
  for (const { index } of bundles) {
    for (const { role, path: member, sha256, size } of index.files) {
      const name = path.posix.basename(member);
      if (role === 'tool' && (await run.disk.stat(path.join(folder, name)))?.sizeBytes === size) sums.set(name, sha256);
    }
  }
  const text = [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, sha256]) => `${sha256}  ${name}\n`)
    .join('');
  if (text !== '' && text !== before) await writeFileAtomic(file, text, run);
}
