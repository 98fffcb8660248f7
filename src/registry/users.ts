import { findFile, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { parseHtpasswd, renderHtpasswd } from './htpasswd.ts';

/**
 * Sets a user's password in an htpasswd file, which is made when missing; other users stay. Distribution re-reads the file by itself.
 * @throws AirlockError HTPASSWD_INVALID, FILE_UNREADABLE, FILE_UNWRITABLE
 */
export async function setPassword(
  file: string,
  credentials: { readonly username: string; readonly password: string },
  run: Run,
): Promise<void> {
  const line = await renderHtpasswd(credentials.username, credentials.password);
  const others = [...(await readUsers(file, run))].filter(([name]) => name !== credentials.username);
  const text = others.map(([name, hash]) => `${name}:${hash}\n`).join('') + line;
  await writeFileAtomic(file, text, run, 0o600);
}

/** Takes a user out of an htpasswd file; false when the file does not name it. */
export async function removeUser(file: string, username: string, run: Run): Promise<boolean> {
  const users = await readUsers(file, run);
  if (!users.has(username)) return false;
  const others = [...users].filter(([name]) => name !== username);
  await writeFileAtomic(file, others.map(([name, hash]) => `${name}:${hash}\n`).join(''), run, 0o600);
  return true;
}

async function readUsers(file: string, run: Run): Promise<ReadonlyMap<string, string>> {
  return parseHtpasswd((await findFile(file, run, 1 << 20))?.toString('utf8') ?? '');
}
