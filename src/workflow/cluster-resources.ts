import path from 'node:path';
import { removeTemporaries, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { toolVersion } from '../core/version.ts';
import { type MirrorTarget, renderClusterResources } from '../manifests/index.ts';
import type { LoadedContent } from './loaded.ts';

/**
 * Writes the mirror sets, catalog sources and so on with oc-mirror's names for content at a target. Returns the files.
 * @throws AirlockError NESTED_PATHS_INVALID, FILE_UNWRITABLE
 */
export async function writeClusterResources(
  set: Omit<LoadedContent, 'generations' | 'webFiles' | 'everyCatalog'>,
  target: MirrorTarget,
  folder: string,
  run: Run,
): Promise<string[]> {
  const { images, releases, catalogs, signatures, contentDate } = set;
  const provenance = { createdAt: contentDate.toISOString(), toolVersion };
  const files = renderClusterResources({ images, releases, catalogs, signatures, target, provenance });
  for (const { name, content } of files) {
    await removeTemporaries(folder, run, `${name}.`);
    await writeFileAtomic(path.join(folder, name), content, run);
  }
  return files.map((file) => path.join(folder, file.name));
}
