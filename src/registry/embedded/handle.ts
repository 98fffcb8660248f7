import { errorText, findErrno } from '../../core/errors.ts';
import { deleteBlob, getBlob } from './blobs.ts';
import type { ServerContext } from './context.ts';
import { listCatalog, listReferrers, listTags } from './lists.ts';
import { deleteManifest, getManifest, putManifest } from './manifests.ts';
import { type Exchange, Refusal, send, sendRefusal } from './respond.ts';
import { findRoute, type Route } from './routes.ts';
import { appendUpload, cancelUpload, finishUpload, showUpload, startUpload } from './uploads.ts';

type Handlers = Readonly<Record<string, () => Promise<void> | void>>;

/** Answers one request whose sender was let in. Refusals become error bodies; other errors a 500 and a log line. */
export async function handle(context: ServerContext, exchange: Exchange): Promise<void> {
  try {
    const route = findRoute(exchange.path);
    if (!route) throw new Refusal('UNSUPPORTED', 'no such endpoint', { status: 404 });
    const handlers = handlersOf(context, exchange, route);
    const handler = handlers[exchange.method === 'HEAD' ? 'GET' : exchange.method];
    const allow = Object.keys(handlers).flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name]));
    if (!handler)
      throw new Refusal('UNSUPPORTED', `${exchange.method} is not known here`, {
        headers: { allow: allow.join(', ') },
      });
    await handler();
  } catch (error) {
    refuse(context, exchange, error);
  }
}

function handlersOf(context: ServerContext, exchange: Exchange, route: Route): Handlers {
  switch (route.kind) {
    case 'base':
      return { GET: () => send(exchange, 200, { 'content-type': 'application/json' }, '{}\n') };
    case 'catalog':
      return { GET: () => listCatalog(context, exchange) };
    case 'tags':
      return { GET: () => listTags(context, exchange, route.repository) };
    case 'referrers':
      return { GET: () => listReferrers(context, exchange, route.repository, route.digest) };
    case 'manifest':
      return {
        GET: () => getManifest(context, exchange, route),
        PUT: () => putManifest(context, exchange, route),
        DELETE: () => deleteManifest(context, exchange, route),
      };
    case 'blob':
      return {
        GET: () => getBlob(context, exchange, route.repository, route.digest),
        DELETE: () => deleteBlob(context, exchange, route.repository, route.digest),
      };
    case 'uploads':
      return { POST: () => startUpload(context, exchange, route.repository) };
    case 'upload':
      return {
        GET: () => showUpload(context, exchange, route.repository, route.id),
        PATCH: () => appendUpload(context, exchange, route.repository, route.id),
        PUT: () => finishUpload(context, exchange, route.repository, route.id),
        DELETE: () => cancelUpload(context, exchange, route.repository, route.id),
      };
  }
}

function refuse(context: ServerContext, exchange: Exchange, error: unknown): void {
  if (error instanceof Refusal) {
    sendRefusal(exchange, error);
    return;
  }
  // The client went away: nobody reads an answer, and it is nothing to log.
  if (exchange.response.destroyed || (exchange.request.destroyed && !exchange.request.complete)) {
    exchange.response.destroy();
    return;
  }
  const { method, path } = exchange;
  const message = `registry: ${method} ${path} failed: ${errorText(error)}`;
  context.run.report({ stage: 'serve', state: 'log', level: 'error', message });
  const full = findErrno(error) === 'ENOSPC' || findErrno(error) === 'EDQUOT';
  sendRefusal(
    exchange,
    new Refusal('UNKNOWN', full ? 'the registry has no space left' : 'the registry failed', {
      status: full ? 507 : 500,
    }),
  );
}
