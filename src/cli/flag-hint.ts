import path from 'node:path';
import { AirlockError, isAirlockError } from '../core/errors.ts';

/**
 * An error about a file that is not there gets the flag that names it as its next step, where it has none: with a dozen flags for files a path
 * alone does not say which one is wrong. Any other error comes back as it is.
 */
export function withFlagHint(error: unknown, flags: Readonly<Record<string, unknown>>, cwd: string): unknown {
  if (!isAirlockError(error, 'FILE_NOT_FOUND') || error.hint !== undefined) return error;
  const [, file] = /^(.+) does not exist$/.exec(error.message) ?? [];
  const found = Object.entries(flags).find(
    ([, value]) => typeof value === 'string' && file !== undefined && path.resolve(cwd, value) === file,
  );
  if (!found) return error;
  const { code, message, details, side } = error;
  const hint = `correct ${flagName(found[0])}, which names it`;
  return new AirlockError(code, message, { hint, details, cause: error, ...(side ? { side } : {}) });
}

/** `destCaFile` → `--dest-ca-file`. */
function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
