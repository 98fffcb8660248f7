import { compareRepositories, type Digest, mediaTypes } from '../../oci/index.ts';
import type { ServerContext } from './context.ts';
import { type Exchange, Refusal, sendJson } from './respond.ts';

/** GET /v2/<name>/tags/list?n=&last=, sorted by bytes. @see OCI distribution-spec v1.1, "Listing Tags" */
export async function listTags(context: ServerContext, exchange: Exchange, repository: string): Promise<void> {
  const { store, run } = context;
  if (!(await store.hasRepository(repository, run)))
    throw new Refusal('NAME_UNKNOWN', `there is no repository ${repository}`);
  const tags = await store.listTags(repository, run);
  const { items, headers } = page(exchange, `/v2/${repository}/tags/list`, tags, (a, b) =>
    a < b ? -1 : a > b ? 1 : 0,
  );
  sendJson(exchange, 200, { name: repository, tags: items }, headers);
}

/** GET /v2/_catalog?n=&last=: distribution's listing of repositories, in the order of its walk. */
export async function listCatalog(context: ServerContext, exchange: Exchange): Promise<void> {
  const repositories = await context.store.listRepositories(context.run);
  const { items, headers } = page(exchange, '/v2/_catalog', repositories, compareRepositories);
  sendJson(exchange, 200, { repositories: items }, headers);
}

/** GET /v2/<name>/referrers/<digest>?artifactType=. @see OCI distribution-spec v1.1, "Listing Referrers" */
export async function listReferrers(
  context: ServerContext,
  exchange: Exchange,
  repository: string,
  digest: Digest,
): Promise<void> {
  const all = await context.referrers.list(repository, digest, context.run);
  const artifactType = exchange.query.get('artifactType');
  const manifests = artifactType ? all.filter((one) => one.artifactType === artifactType) : all;
  sendJson(
    exchange,
    200,
    { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests },
    {
      'content-type': mediaTypes.ociIndex,
      ...(artifactType ? { 'oci-filters-applied': 'artifactType' } : {}),
    },
  );
}

/** The asked page of a sorted list, with a Link to the next one where there is more. `n=0` is an empty page. */
function page(
  { query }: Exchange,
  path: string,
  all: readonly string[],
  compare: (a: string, b: string) => number,
): { items: readonly string[]; headers: Record<string, string> } {
  const [countText, last] = [query.get('n'), query.get('last')];
  if (countText !== null && !/^\d{1,9}$/.test(countText))
    throw new Refusal('PAGINATION_NUMBER_INVALID', `n=${countText} is not a number of entries`);
  const rest = last === null ? all : all.filter((name) => compare(name, last) > 0);
  if (countText === null) return { items: rest, headers: {} };
  const items = rest.slice(0, Number(countText));
  const end = items.at(-1);
  if (end === undefined || items.length === rest.length) return { items, headers: {} };
  return { items, headers: { link: `<${path}?n=${countText}&last=${encodeURIComponent(end)}>; rel="next"` } };
}
