import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type AccessEntry, logWhenDone } from '../../core/access-log.ts';
import { type AccessRules, authorize } from './auth.ts';
import type { ServerContext } from './context.ts';
import { handle } from './handle.ts';
import { type Exchange, Refusal, sendRefusal } from './respond.ts';

/** The function that answers every request of a server: logs in, hands on, and logs. */
export function createListener(
  context: ServerContext,
  rules: AccessRules | undefined,
  accessLog: ((entry: AccessEntry) => void) | undefined,
): RequestListener {
  return (request, response) => {
    let user: string | undefined;
    const exchange = toExchange(request, response);
    const answer = async (): Promise<void> => {
      try {
        if (rules) user = await authorize(rules, exchange);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return sendRefusal(exchange, error);
      }
      await handle(context, exchange);
    };
    const more = () => ({ user, uncopiedBytes: exchange.uncopiedBytes });
    if (accessLog) logWhenDone(exchange, accessLog, context.run.now, more);
    answer().catch(() => response.destroy());
  };
}

function toExchange(request: IncomingMessage, response: ServerResponse): Exchange {
  response.setHeader('docker-distribution-api-version', 'registry/2.0');
  response.setHeader('x-content-type-options', 'nosniff');
  const [rawPath = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
  let path = '';
  try {
    path = decodeURIComponent(rawPath);
  } catch {
    // Broken percent encoding names nothing; the empty path is answered with 404.
  }
  const method = request.method ?? 'GET';
  return { request, response, method, path, query: new URLSearchParams(query), uncopiedBytes: 0 };
}
