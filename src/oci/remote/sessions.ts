import { AirlockError, isAirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import type { Digest } from '../digest.ts';
import type { RepositoryName } from '../source.ts';
import { canonicalRegistry } from './credentials.ts';
import { mapReference } from './map-reference.ts';
import type { RemoteOptions } from './options.ts';
import { emptyRegistriesConf } from './registries-conf.ts';
import { createSession, type Session } from './session.ts';

/** A repository at the place that is really asked. */
export interface Place {
  readonly session: Session;
  readonly registry: string;
  readonly repository: string;
}

/** How a place is chosen: for a tag, for a digest, or for parts of an image that was found before. */
export type PlaceUse = { readonly tag: string } | { readonly digest: Digest } | 'parts';

/** All sessions of a remote, by registry, with registries.conf between the name and the place. */
export interface Sessions {
  /** Tries mirrors, then the primary location; the last error counts, which is the primary location's. */
  read<T>(name: RepositoryName, use: PlaceUse, task: (place: Place) => Promise<T>, run: Run): Promise<T>;
  /** The primary location, for writing. @throws AirlockError REGISTRY_BLOCKED */
  primary(name: RepositoryName): Place;
}

const downMs = 5 * 60_000;

/** Sessions are made on first use and kept. */
export function createSessions(options: RemoteOptions): Sessions {
  const sessions = new Map<string, Session>();
  // Which candidate answered last for a repository: a mirror that lacks it is not asked for each blob again.
  const lastGood = new Map<string, number>();
  const conf = options.registriesConf ?? emptyRegistriesConf;

  // A mirror that does not answer now: asked last for a while, since each question would cost a time-out.
  const downUntil = new Map<string, number>();
  // Where there is another place to go to, patience is no virtue.
  const mirrorOptions = {
    ...options,
    retry: { ...options.retry, retryTimes: Math.min(1, options.retry?.retryTimes ?? 1) },
  };

  const toPlace = ({ registry, repository }: RepositoryName, insecure: boolean, kind: 'mirror' | 'primary'): Place => {
    const allowed = insecure || options.tlsVerify === false;
    const key = `${registry} ${allowed} ${kind}`;
    const session = sessions.get(key) ?? createSession(registry, allowed, kind === 'mirror' ? mirrorOptions : options);
    sessions.set(key, session);
    const hub = canonicalRegistry(registry) === 'docker.io' && !repository.includes('/');
    return { session, registry, repository: hub ? `library/${repository}` : repository };
  };

  const places = (name: RepositoryName, use: PlaceUse): Place[] => {
    const reference = { registry: name.registry, repository: name.repository, ...(use === 'parts' ? {} : use) };
    const mapping = mapReference(reference, conf, use === 'parts' ? 'all' : 'matching');
    if (mapping.candidates.length === 0) throw blocked(name, mapping.prefix);
    return mapping.candidates.map((item) => toPlace(item.reference, item.insecure, item.kind));
  };

  return {
    async read(name, use, task, run) {
      const all = places(name, use);
      if (all.length === 1 && all[0]) return task(all[0]);
      const key = `${name.registry}/${name.repository} ${use === 'parts'}`;
      const first = Math.min(lastGood.get(key) ?? 0, all.length - 1);
      const order = [...new Set([first, ...all.keys()])];
      const isDown = (at: number): boolean => (downUntil.get(all[at]?.registry ?? '') ?? 0) > run.now().getTime();
      order.sort((a, b) => Number(isDown(a)) - Number(isDown(b)));
      let failure: unknown;
      let absent: AirlockError | undefined;
      for (const at of order) {
        const place = all[at];
        if (!place) continue;
        try {
          const result = await task(place);
          lastGood.set(key, at);
          return result;
        } catch (error) {
          if (run.signal.aborted) throw error;
          if (isAirlockError(error, 'REGISTRY_UNREACHABLE'))
            downUntil.set(place.registry, run.now().getTime() + downMs);
          if (isAirlockError(error, 'MANIFEST_UNKNOWN')) absent ??= error;
          // The primary location's own answer is the one that tells the user most.
          if (failure === undefined || at === all.length - 1) failure = error;
        }
      }
      throw absent && isAirlockError(failure, 'REGISTRY_UNREACHABLE') ? unreachableButAbsent(failure, absent) : failure;
    },
    primary(name) {
      const mapping = mapReference(name, conf);
      const found = mapping.candidates.find((item) => item.kind === 'primary');
      if (!found) throw blocked(name, mapping.prefix);
      return toPlace(found.reference, found.insecure, 'primary');
    },
  };
}

/** Behind an air gap the mirror's "no" is all the answer there is: whoever asks for what need not exist may take it. */
function unreachableButAbsent(failure: AirlockError, absent: AirlockError): AirlockError {
  return new AirlockError('REGISTRY_UNREACHABLE', `${failure.message}; its mirror: ${absent.message}`, {
    cause: failure,
    details: { ...failure.details, absentAtMirror: true },
  });
}

function blocked(name: RepositoryName, prefix: string | undefined): AirlockError {
  return new AirlockError(
    'REGISTRY_BLOCKED',
    `${name.registry}/${name.repository}: registries.conf blocks "${prefix ?? ''}"`,
  );
}
