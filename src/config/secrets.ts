import { AirlockError } from '../core/errors.ts';
import { readFileLimited } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { readDocument } from './document.ts';
import { Faults } from './faults.ts';
import { toPlain } from './node.ts';

/** A user and a password. Never shown. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

const limitBytes = 64 << 10;

/**
 * The password in a `passwordFile`: its first line, without the line end.
 * @throws AirlockError FILE_NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID
 */
export async function loadPassword(file: string, run: Run): Promise<string> {
  const text = (await readFileLimited(file, run, limitBytes)).toString('utf8').replace(/^\ufeff/, '');
  const [password = '', ...rest] = text.split(/\r?\n/);
  if (password === '' || rest.some((line) => line !== ''))
    throw new AirlockError('CONFIG_INVALID', `${file} has to hold a password on one line`);
  return password;
}

/**
 * The two lines `username: …` and `password: …` of a `credentialsFile`. Values may be quoted as in YAML; unquoted ones are taken as they stand.
 * @throws AirlockError FILE_NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID
 */
export async function loadCredentials(file: string, run: Run): Promise<Credentials> {
  const text = (await readFileLimited(file, run, limitBytes)).toString('utf8').replace(/^\ufeff/, '');
  const found = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^(username|password)\s*:\s*(.*?)\s*$/.exec(line);
    if (match?.[1] !== undefined) found.set(match[1], unquote(match[2] ?? ''));
    else if (line.trim() !== '' && !line.trimStart().startsWith('#')) found.set('?', line);
  }
  const [username, password] = [found.get('username') ?? '', found.get('password') ?? ''];
  // Nothing of the file is quoted in the message: it may be the password itself.
  if (username === '' || password === '' || found.has('?'))
    throw new AirlockError('CONFIG_INVALID', `${file} has to hold two lines, "username: …" and "password: …"`);
  return { username, password };
}

/** A quoted YAML scalar without its quotes; other text unchanged, so that a password may hold ` #` or `: `. */
function unquote(text: string): string {
  if (!/^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')$/.test(text)) return text;
  const document = readDocument(`value: ${text}\n`, new Faults(''));
  const plain = document && (toPlain(document.root) as { value?: unknown });
  return typeof plain?.value === 'string' ? plain.value : text;
}
