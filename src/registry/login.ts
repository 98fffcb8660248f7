import { AirlockError } from '../core/errors.ts';
import { findFile, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';

// An auth file of the containers tools: { "auths": { "<host[:port][/prefix]>": { "auth": base64("user:password") } }, … }

/**
 * Puts credentials for a registry into an auth file (containers-auth.json(5)), made when missing; everything else in it stays. 0600.
 * @throws AirlockError LOGIN_FILE_INVALID, FILE_UNREADABLE, FILE_UNWRITABLE
 */
export async function storeLogin(
  file: string,
  login: { readonly registry: string; readonly username: string; readonly password: string },
  run: Run,
): Promise<void> {
  const text = (await findFile(file, run, 4 << 20))?.toString('utf8') ?? '{}';
  const whole = parseObject(text.trim() || '{}', file);
  const auths = isObject(whole['auths']) ? whole['auths'] : {};
  const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  const content = { ...whole, auths: { ...auths, [login.registry]: { auth } } };
  await writeFileAtomic(file, `${JSON.stringify(content, null, 2)}\n`, run, 0o600);
}

function parseObject(text: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Not shown: the parser's message quotes the text, and the text holds credentials.
  }
  throw new AirlockError('LOGIN_FILE_INVALID', `${file} is not a JSON object`, {
    hint: 'mend it or name another file with --authfile',
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
