import path from 'node:path';
import { renderInitFiles } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';

/**
 * Writes `site.yaml`, `imageset.yaml` and the schema that editors check the first by. Returns their paths.
 * @throws AirlockError USAGE when one is there already and `force` is off
 */
export async function initFolder(folder: string, force: boolean, run: Run): Promise<string[]> {
  const files = renderInitFiles().map(({ name, content }) => ({ file: path.join(folder, name), content }));
  for (const { file } of files) {
    if (!force && (await run.disk.stat(file))) {
      throw new AirlockError('USAGE', `${file} is there already`, { hint: 'nothing was written; --force replaces it' });
    }
  }
  for (const { file, content } of files) await writeFileAtomic(file, content, run);
  return files.map(({ file }) => file);
}
