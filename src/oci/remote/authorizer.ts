import { AirlockError } from '../../core/errors.ts';
import type { HttpClient } from '../../core/http.ts';
import type { HostTls } from '../../core/http-trust.ts';
import type { Run } from '../../core/run.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { anonymous, type CredentialSource, type FoundCredential } from './credentials.ts';
import type { RemoteOptions } from './options.ts';
import { basicHeader, requestToken, type Token } from './token.ts';

/** What the authorizer has to know of its registry. */
export interface AuthorizedRegistry {
  /** As in references: what credentials are looked up by. */
  readonly registry: string;
  /** The API's base URL. */
  readonly url: URL;
  readonly http: HttpClient;
  readonly tls: HostTls | undefined;
  readonly insecure: boolean;
}

/** Makes Authorization headers for one registry: Basic, or Bearer tokens kept per scope until they expire. */
export interface Authorizer {
  /** The header for a request, undefined for none. `scopes` such as `repository:ns/name:pull`. */
  authorize(repository: string, scopes: readonly string[], run: Run): Promise<string | undefined>;
  /** Learns from a 401; false when another try would be the same. `sent` is the header that was refused. */
  learn(challengeHeader: string | undefined, sent: string | undefined): boolean;
  /** Which credentials a repository's requests use, in words. */
  describe(repository: string, run: Run): Promise<string | undefined>;
}

// A token that ends while the request is on its way would be refused.
const marginMs = 5_000;

/** Knows nothing at first: `learn` tells it what the registry wants. */
export function createAuthorizer(target: AuthorizedRegistry, options: RemoteOptions): Authorizer {
  const source: CredentialSource = options.credentials ?? anonymous;
  const tokens = new Map<string, { readonly token: Promise<Token>; header: string | undefined }>();
  let challenge: Challenge | undefined;

  const bearer = async (found: FoundCredential | undefined, scopes: readonly string[], run: Run): Promise<string> => {
    if (found?.credential.kind === 'bearer') return `Bearer ${found.credential.token}`;
    const key = [found?.key ?? '', ...scopes].join(' ');
    const kept = tokens.get(key);
    if (kept) {
      const { token, expiresAt } = await kept.token;
      if (expiresAt.getTime() - marginMs > run.now().getTime()) return `Bearer ${token}`;
    }
    // Somebody may have asked for a new one while we waited; everybody shares one request.
    const current = tokens.get(key);
    const asked =
      current !== undefined && current !== kept
        ? current.token
        : requestToken(
            {
              http: target.http,
              registryUrl: target.url,
              challenge: challenge ?? { scheme: 'bearer', params: {} },
              scopes,
              credential: found?.credential,
              credentialOrigin: found ? `${found.key} of ${found.origin}` : undefined,
              tls: target.tls,
              insecure: target.insecure,
              side: options.side,
            },
            run,
          );
    if (asked !== current?.token) {
      const entry = { token: asked, header: undefined as string | undefined };
      tokens.set(key, entry);
      asked.then(
        ({ token }) => {
          entry.header = `Bearer ${token}`;
        },
        () => {
          if (tokens.get(key) === entry) tokens.delete(key);
        },
      );
    }
    return `Bearer ${(await asked).token}`;
  };

  return {
    async authorize(repository, scopes, run) {
      if (!challenge) return undefined;
      const found = await source.find(target.registry, repository, run);
      if (challenge.scheme === 'bearer') return bearer(found, scopes, run);
      if (found?.credential.kind === 'password') return basicHeader(found.credential);
      if (found) {
        throw new AirlockError(
          'REGISTRY_UNAUTHORIZED',
          `${target.registry} wants user and password, but ${found.key} of ${found.origin} holds a token`,
          options.side ? { side: options.side } : {},
        );
      }
      return undefined;
    },
    learn(header, sent) {
      const offered = header ? parseChallenges(header) : [];
      const best = offered.find((item) => item.scheme === 'bearer') ?? offered.find((item) => item.scheme === 'basic');
      if (!best) return false;
      const news = challenge?.scheme !== best.scheme;
      challenge = best;
      if (best.scheme === 'basic') return news;
      // A token that was refused may have been revoked, or have ended early: away with it, unless somebody else was quicker.
      for (const [key, entry] of tokens) if (entry.header === sent) tokens.delete(key);
      return true;
    },
    async describe(repository, run) {
      const found = await source.find(target.registry, repository, run).catch(() => undefined);
      return found ? `${found.key} of ${found.origin}` : undefined;
    },
  };
}
