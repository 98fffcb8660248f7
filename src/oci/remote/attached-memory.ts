import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import type { Place } from './sessions.ts';

/** What was learnt of where registries keep signatures and referrers, so that not every image has to be asked for each of them. */
export interface AttachedMemory {
  /**
   * Whether a repository surely has no such tag. Only for the tags of signatures and referrers, which mostly are not there: one look at the whole list
   * answers for all of a repository. A list that has more pages, or cannot be had, answers nothing.
   */
  lacksTag(place: Place, tag: string, run: Run): Promise<boolean>;
  /** The list has changed. */
  forgetTags(place: Place): void;
  /** False once the path of the referrers API was seen not to exist. */
  mayHaveReferrersApi(place: Place): boolean;
  /** Takes note of a refusal. Only a server that knows nothing of the path says 404 without any code of the specification. */
  noteRefusedReferrers(place: Place, error: AirlockError): void;
}

const attachedTag = /^sha(?:256|512)-[0-9a-f]{64,}(?:\.[a-z]+)?$/;
const listLimitBytes = 2 << 20;

/** Knows nothing yet. */
export function createAttachedMemory(): AttachedMemory {
  const lists = new Map<string, Promise<ReadonlySet<unknown> | undefined>>();
  const withoutApi = new Set<string>();
  const repositoryOf = ({ registry, repository }: Place): string => `${registry}/${repository}`;
  // Some hosts are several registries by the first element of the path.
  const partOf = ({ registry, repository }: Place): string => `${registry}/${repository.split('/')[0]}`;
  return {
    async lacksTag(place, tag, run) {
      if (!attachedTag.test(tag)) return false;
      const list = lists.get(repositoryOf(place)) ?? readWholeList(place, run);
      lists.set(repositoryOf(place), list);
      const tags = await list;
      return tags !== undefined && !tags.has(tag);
    },
    forgetTags: (place) => void lists.delete(repositoryOf(place)),
    mayHaveReferrersApi: (place) => !withoutApi.has(partOf(place)),
    noteRefusedReferrers(place, { details }) {
      const codes = details['codes'];
      if (details['status'] === 404 && Array.isArray(codes) && codes.length === 0) withoutApi.add(partOf(place));
    },
  };
}

async function readWholeList(place: Place, run: Run): Promise<ReadonlySet<unknown> | undefined> {
  try {
    const { response, bytes } = await place.session.requestBytes(
      {
        method: 'GET',
        path: `/v2/${place.repository}/tags/list?n=1000`,
        repository: place.repository,
        wanted: 'repository',
        subject: `tags of ${place.registry}/${place.repository}`,
        expect: [200],
      },
      listLimitBytes,
      run,
    );
    const list: unknown = Reflect.get(JSON.parse(bytes.toString('utf8')) as object, 'tags') ?? [];
    return Array.isArray(list) && response.headers['link'] === undefined ? new Set(list) : undefined;
  } catch (error) {
    // It would have saved requests, no more: what matters is asked one by one then.
    if (
      run.signal.aborted ||
      !(error instanceof AirlockError || error instanceof SyntaxError || error instanceof TypeError)
    )
      throw error;
    return undefined;
  }
}
