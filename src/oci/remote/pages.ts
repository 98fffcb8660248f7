import { AirlockError } from '../../core/errors.ts';
import type { HttpResponse } from '../../core/http.ts';
import type { Run } from '../../core/run.ts';
import { onRegistry } from './connection.ts';
import type { RegistryCall } from './session.ts';
import type { Place } from './sessions.ts';

const pageLimitBytes = 16 << 20;
const pageCountLimit = 10_000;

/**
 * Reads all pages of a list, following `Link: <…>; rel="next"` (relative, or absolute on the same origin only).
 * @throws AirlockError REGISTRY_FAILED @see distribution-spec "Listing Tags"
 */
export async function readPages(
  place: Place,
  call: RegistryCall,
  take: (json: unknown, response: HttpResponse) => void,
  run: Run,
): Promise<void> {
  const seen = new Set<string>();
  let next: URL | string | undefined = call.path;
  while (next !== undefined) {
    const { response, bytes } = await place.session.requestBytes({ ...call, path: next }, pageLimitBytes, run);
    let json: unknown;
    try {
      json = JSON.parse(bytes.toString('utf8'));
    } catch (cause) {
      throw new AirlockError('REGISTRY_FAILED', `${call.subject}: the answer is no JSON`, { cause });
    }
    take(json, response);
    const link = nextLink(response);
    if (link && (seen.has(link.href) || seen.size >= pageCountLimit))
      throw new AirlockError('REGISTRY_FAILED', `${call.subject}: the list of pages has no end`);
    if (link) seen.add(link.href);
    next = link;
  }
}

function nextLink(response: HttpResponse): URL | undefined {
  const match = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(response.headers['link'] ?? '');
  if (!match?.[1]) return undefined;
  const url = onRegistry(new URL(match[1], response.url), response.url);
  if (url.origin !== response.url.origin)
    throw new AirlockError(
      'REGISTRY_FAILED',
      `${response.url.host} sends the next page to ${url.host}, which is not followed`,
    );
  return url;
}
