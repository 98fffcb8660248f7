import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { isTag } from '../reference.ts';
import { readPages } from './pages.ts';
import type { Place } from './sessions.ts';

/** All tags, sorted, each once. @throws AirlockError REPOSITORY_UNKNOWN, REGISTRY_* */
export async function listTags(place: Place, run: Run): Promise<string[]> {
  const tags = new Set<string>();
  const subject = `tags of ${place.registry}/${place.repository}`;
  await readPages(
    place,
    {
      method: 'GET',
      path: `/v2/${place.repository}/tags/list?n=1000`,
      repository: place.repository,
      wanted: 'repository',
      subject,
      expect: [200],
    },
    (json) => {
      // distribution writes null for a repository without tags.
      const list: unknown = json !== null && typeof json === 'object' && 'tags' in json ? (json.tags ?? []) : undefined;
      if (!Array.isArray(list)) throw new AirlockError('REGISTRY_FAILED', `${subject}: the answer has no "tags"`);
      for (const tag of list) if (typeof tag === 'string' && isTag(tag)) tags.add(tag);
    },
    run,
  );
  return [...tags].sort();
}
