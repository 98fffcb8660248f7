import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import bcrypt from 'bcryptjs';
import { AirlockError } from '../core/errors.ts';

/** User names and their bcrypt hashes. */
export type Htpasswd = ReadonlyMap<string, string>;

// htpasswd := { line LF };  line := "" | "#" any | user ":" bcrypt;  bcrypt := "$2" [aby] "$" cost "$" 53 × [./A-Za-z0-9]
const bcryptForm = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;

/** distribution pays the cost on every request, so it is low and the password is long and random instead (design §6). */
const cost = 5;

/**
 * Reads htpasswd text. Blank lines and comments are left out; a later line of the same user wins, as in distribution.
 * @throws AirlockError HTPASSWD_INVALID with the line's number: MD5, SHA-1 and plain lines are not taken
 */
export function parseHtpasswd(text: string): Htpasswd {
  const users = new Map<string, string>();
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const hash = line.slice(colon + 1);
    if (colon < 1 || !bcryptForm.test(hash)) {
      throw new AirlockError('HTPASSWD_INVALID', `line ${at + 1} of the htpasswd file is no "user:bcrypt hash"`, {
        hint: 'write it with "htpasswd -nbB USER PASSWORD" or "airlock registry passwd"',
      });
    }
    users.set(line.slice(0, colon), hash);
  }
  return users;
}

/**
 * One line for an htpasswd file, `$2y$` as Apache's tool writes it, with a final newline. Not reproducible: the salt is random.
 * @throws AirlockError HTPASSWD_INVALID for a name that cannot stand in the file, or a password that bcrypt would cut (72 bytes)
 */
export async function renderHtpasswd(username: string, password: string): Promise<string> {
  if (username === '' || /[:\s\u0000-\u001f\u007f#]/.test(username))
    throw new AirlockError('HTPASSWD_INVALID', `"${username}" cannot be a user name in an htpasswd file`);
  if (password === '' || bcrypt.truncates(password))
    throw new AirlockError('HTPASSWD_INVALID', 'a registry password has 1 to 72 bytes');
  return `${username}:${(await bcrypt.hash(password, cost)).replace(/^\$2[ab]\$/, '$2y$')}\n`;
}

/** A random password of 32 characters (192 bits) that needs no quoting in shells, URLs or YAML. */
export function generatePassword(): string {
  return randomBytes(24).toString('base64url').replaceAll('-', 'x').replaceAll('_', 'y');
}

/** Answers whether a user has a password, paying bcrypt's cost once per right pair. */
export class CredentialChecker {
  readonly #users: Htpasswd;
  readonly #right = new Map<string, Buffer>();
  readonly #pepper = randomBytes(32);

  constructor(users: Htpasswd) {
    this.#users = users;
  }

  async check(username: string, password: string): Promise<boolean> {
    const seen = createHash('sha256').update(this.#pepper).update(password).digest();
    const right = this.#right.get(username);
    if (right && timingSafeEqual(right, seen)) return true;
    const hash = this.#users.get(username);
    // An unknown user costs the same as a wrong password, so that the time does not tell which names exist.
    const matches = await bcrypt.compare(password, hash ?? decoy);
    if (!matches || hash === undefined) return false;
    this.#right.set(username, seen);
    return true;
  }
}

// bcrypt of nothing anybody knows: cost 5, random salt, the digest part of another hash.
const decoy = '$2b$05$abcdefghijklmnopqrstuuLHFUqCBXgU7tVjZLR4VYzHcAyCu2n7G';
