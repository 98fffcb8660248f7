import type { Exchange } from './exchange.ts';
import { renderFolderPage } from './folder-page.ts';
import { encodePath, parseRequestPath } from './request-path.ts';
import { sendFile, sendPage, sendProblem, sendText } from './respond.ts';
import type { WebFile, WebSite } from './site.ts';
import type { StatusModel } from './status-model.ts';
import { renderStatusPage } from './status-page.ts';
import { withVerdicts } from './status-verdicts.ts';
import type { Transfer } from './transfer.ts';
import type { FileVerdict, VerifiedFiles } from './verified-files.ts';

/** What answers are made from. */
export interface Serving extends Pick<Transfer, 'pool' | 'zeroCopy'> {
  readonly site: WebSite;
  readonly files: VerifiedFiles;
  readonly title: string;
  readonly statusPage: (() => Promise<StatusModel>) | undefined;
}

/** Answers one request. Only what stands in the site's tables is found, so no path can lead anywhere else. */
export async function route(exchange: Exchange, serving: Serving): Promise<void> {
  const { request, response } = exchange;
  const { site } = serving;
  response.setHeader('X-Content-Type-Options', 'nosniff');
  // A body with a GET has no meaning here; it is read away so that the connection can be used again.
  request.resume();
  if (request.method === 'OPTIONS') return void response.writeHead(204, { Allow: 'GET, HEAD, OPTIONS' }).end();
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return sendProblem(exchange, 405, 'Method not allowed', 'only GET and HEAD are served', {
      Allow: 'GET, HEAD, OPTIONS',
    });
  const path = parseRequestPath(request.url ?? '/');
  if (path === undefined) return sendProblem(exchange, 400, 'Bad request', 'the path is not valid');
  const file = site.files.get(path);
  if (file) return sendFile(exchange, file, serving.files, serving);
  const text = site.texts.get(path);
  if (text) return sendText(exchange, 200, text.contentType, text.content, { 'Cache-Control': 'no-cache' });
  if (path === '/' && serving.statusPage)
    return sendPage(exchange, 200, renderStatusPage(withVerdicts(await serving.statusPage(), site, serving.files)));
  const entries = site.folders.get(path);
  if (entries) {
    const verdictOf = (entry: { file: WebFile | undefined }): FileVerdict =>
      entry.file ? serving.files.verdict(entry.file) : { kind: 'unknown' };
    return sendPage(exchange, 200, renderFolderPage(serving.title, path, entries, verdictOf));
  }
  if (site.folders.has(`${path}/`))
    return sendProblem(exchange, 301, 'Moved', 'this is a folder', { Location: encodePath(`${path}/`) });
  sendProblem(exchange, 404, 'Not found', `there is no ${path} here`);
}
