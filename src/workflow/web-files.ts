import { createHash } from 'node:crypto';
import path from 'node:path';
import type { ContentSources } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import type { SelectedFile } from '../plan/index.ts';

/**
 * Fetches those of the files that the web server is to serve, each checked while it is written and named only when it is right. Files of
 * the right size are left alone: the web server checks digests before it serves them. Returns how many were fetched.
 * @throws AirlockError DIGEST_MISMATCH, DISK_FULL, FETCH_*
 */
export async function writeWebFiles(
  files: readonly SelectedFile[],
  folder: string,
  sources: ContentSources,
  run: Run,
): Promise<number> {
  let fetched = 0;
  for (const file of files) {
    if (file.webPath === undefined) continue;
    const target = path.join(folder, file.webPath);
    if ((await run.disk.stat(target))?.sizeBytes === file.sizeBytes) continue;
    await fetchFile(file, target, sources, run);
    fetched += 1;
  }
  return fetched;
}

async function fetchFile(file: SelectedFile, target: string, sources: ContentSources, run: Run): Promise<void> {
  const temporary = `${target}.partial`;
  try {
    await run.disk.makeDirectory(path.dirname(target));
    const handle = await run.disk.open(temporary, 'write');
    const hash = createHash('sha256');
    let done = 0;
    try {
      await handle.truncate(0);
      for await (const chunk of (await sources.openFile(file, 0, run)) as AsyncIterable<Buffer>) {
        hash.update(chunk);
        await handle.write(chunk, done);
        done += chunk.length;
        run.report({
          stage: 'mirror',
          subject: file.path,
          state: 'active',
          doneBytes: done,
          totalBytes: file.sizeBytes,
        });
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    const digest = hash.digest('hex');
    if (digest !== file.sha256)
      throw new AirlockError('DIGEST_MISMATCH', `${file.origin} has sha256 ${digest}, not ${file.sha256}`, {
        side: 'source',
      });
    await run.disk.rename(temporary, target);
    run.report({ stage: 'mirror', subject: file.path, state: 'finished', totalBytes: file.sizeBytes });
  } catch (error) {
    await run.disk.remove(temporary).catch(() => {});
    throw diskError(error, target, 'write');
  }
}
