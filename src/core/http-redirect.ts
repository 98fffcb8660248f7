import { AirlockError } from './errors.ts';
import { redactUrl } from './http-errors.ts';

const redirectLimit = 10;

/** Where a redirect leads. `hops` were made before; `downgradeAllowed` lets https become http. @throws AirlockError HTTP_REDIRECT */
export function nextUrl(location: string, from: URL, hops: number, downgradeAllowed: boolean): URL {
  const fail = (why: string): AirlockError =>
    new AirlockError('HTTP_REDIRECT', `redirect from ${redactUrl(from)} refused: ${why}`);
  if (hops >= redirectLimit) throw fail(`more than ${redirectLimit} redirects`);
  let next: URL;
  try {
    next = new URL(location, from);
  } catch {
    throw fail('its Location is not a URL');
  }
  if (next.protocol !== 'https:' && next.protocol !== 'http:') throw fail(`to ${next.protocol}`);
  if (next.protocol === 'http:' && from.protocol === 'https:' && !downgradeAllowed)
    throw fail(`it leads to plain HTTP at ${redactUrl(next)}`);
  return next;
}

/** Headers that may go to another origin. */
export function withoutCredentials(headers: Record<string, string>): Record<string, string> {
  const { authorization: _, cookie: __, ...rest } = headers;
  return rest;
}
