import { detectKind, lintConfigFile } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { readFileLimited } from '../core/files.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import { lintManifest } from '../manifests/index.ts';

/** Kinds that have a linter of their own; everything else with a kind is a Kubernetes object. */
const configKinds: readonly string[] = ['Site', 'ImageSetConfiguration', 'DeleteImageSetConfiguration'];

/**
 * Every fault of every file: configuration, registries.conf, Kubernetes objects.
 * @throws AirlockError FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function lintFiles(files: readonly string[], run: Run): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const file of files) {
    if ((await run.disk.stat(file))?.kind === 'directory')
      throw new AirlockError('FILE_NOT_FOUND', `${file} is a folder`, { hint: 'name files' });
    findings.push(...lintText(file, (await readFileLimited(file, run)).toString()));
  }
  return findings;
}

function lintText(file: string, text: string): readonly Finding[] {
  if (file.endsWith('.conf')) return lintManifest(file, text);
  // Reading the whole for its kind takes long where it is large; most files say it on a line of its own.
  const [, written] = /^kind:[ \t]*(\w+)[ \t]*\r?$/m.exec(text) ?? [];
  if (written !== undefined && !configKinds.includes(written)) return lintManifest(file, text);
  const kind = detectKind(text);
  return kind === undefined || configKinds.includes(kind) ? lintConfigFile(file, text) : lintManifest(file, text);
}
