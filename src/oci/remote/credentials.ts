import type { Run } from '../../core/run.ts';

/** How to log in. @see distribution, "Token Authentication", "OAuth2" */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string }
  | { readonly kind: 'bearer'; readonly token: string };

/** A credential and where it is from, for messages: a file and its key. */
export interface FoundCredential {
  readonly credential: Credential;
  /** Such as `/run/user/1000/containers/auth.json`. */
  readonly origin: string;
  /** Such as `registry.example.com:5000/ns`. */
  readonly key: string;
}

/** Where credentials come from. */
export interface CredentialSource {
  /** For a repository of a registry; undefined means anonymous. @throws AirlockError AUTHFILE_* */
  find(registry: string, repository: string, run: Run): Promise<FoundCredential | undefined>;
}

/** One user for every registry: `--dest-creds`, a site's registry user. */
export function staticCredentials(username: string, password: string, origin = 'given user'): CredentialSource {
  return {
    find: (registry) =>
      Promise.resolve({ credential: { kind: 'password', username, password }, origin, key: registry }),
  };
}

/** Nobody: every request is anonymous. */
export const anonymous: CredentialSource = { find: () => Promise.resolve(undefined) };

/** The name that credentials and mirrors know Docker Hub by. */
export function canonicalRegistry(registry: string): string {
  const lower = registry.toLowerCase();
  return lower === 'index.docker.io' || lower === 'registry-1.docker.io' ? 'docker.io' : lower;
}
