import { lintConfigFile } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { readFileLimited } from '../core/files.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';

/** Every fault of every file. @throws AirlockError FILE_NOT_FOUND, FILE_UNREADABLE */
export async function lintFiles(files: readonly string[], run: Run): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const file of files) {
    if ((await run.disk.stat(file))?.kind === 'directory')
      throw new AirlockError('FILE_NOT_FOUND', `${file} is a folder`, { hint: 'name files' });
    findings.push(...lintConfigFile(file, (await readFileLimited(file, run)).toString()));
  }
  return findings;
}
