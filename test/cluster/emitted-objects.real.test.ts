import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmitInput, siteStages } from '../../src/manifests/index.ts';
import { describeShared } from '../helpers/real.ts';
import { emitInputFor, fixtureSite, releaseRecord } from '../manifests/site-builder.ts';
import { readyMadeSites, siteVariants } from '../manifests/site-variants.ts';
import { spoil, spoiledObjects } from '../manifests/wrong-objects.ts';
import { findCurrentApiServer, type RealServer, startServer } from './real-server.ts';

type Resource = ReturnType<typeof siteStages>[number]['files'][number]['resources'][number];

const current = findCurrentApiServer();

const golden: Readonly<Record<string, EmitInput>> = {
  ipv4: emitInputFor(fixtureSite('ipv4'), [releaseRecord('4.19.10', 'amd64'), releaseRecord('4.16.9', 'amd64')]),
  ipv6: emitInputFor(fixtureSite('ipv6'), [releaseRecord('4.19.10', 'amd64')]),
  dual: emitInputFor(fixtureSite('dual'), [releaseRecord('4.19.10', 'amd64'), releaseRecord('4.18.20', 'arm64')]),
};
const sites = [
  ...Object.entries(golden).map(([name, input]) => ({ name: `the golden site ${name}`, input })),
  ...siteVariants(),
  ...readyMadeSites(),
];

/** Every whole object of a site; patches of single fields are not objects that a server could judge on their own. */
function objectsOf(input: EmitInput): readonly Resource[] {
  return siteStages(input).flatMap(({ files }) => files.flatMap(({ resources }) => resources));
}

describeShared('a current API server judges what is emitted, by schema, CEL rules and strict fields', 'crds', () => {
  if (!current) return test.skip('takes every site (name its binary with AIRLOCK_KUBE_APISERVER)');
  let server: RealServer;
  let urlOf: (object: Resource) => string;

  beforeAll(async () => {
    server = await startServer({ current });
    const objects = sites.flatMap(({ input }) => objectsOf(input));
    await server.loadKinds([...new Set(objects.map(({ kind }) => kind))]);
    for (const name of new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? [])))
      await server.request(
        'POST',
        '/api/v1/namespaces',
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
        undefined,
        [409],
      );
    urlOf = await collections(server, new Set(objects.map(({ apiVersion }) => apiVersion)));
  }, 240_000);
  afterAll(() => server?.stop());

  /** Why the server refuses an object, as `airlock apply` sends it and as `oc create -f` does; [] where it takes it. */
  async function refusals(object: Resource): Promise<string[]> {
    const url = urlOf(object);
    const query = 'dryRun=All&fieldValidation=Strict';
    const applied = `${url}/${object.metadata.name}?${query}&fieldManager=airlock&force=true`;
    const sent = [
      server.request('PATCH', applied, object, 'application/apply-patch+yaml'),
      // The namespaces are there.
      server.request('POST', `${url}?${query}`, object, undefined, object.kind === 'Namespace' ? [409] : []),
    ];
    return (await Promise.allSettled(sent)).flatMap((one) =>
      one.status === 'rejected' ? [`${object.kind} ${object.metadata.name}: ${String(one.reason)}`] : [],
    );
  }

  test.each(sites)(
    'takes every object of $name',
    async ({ input }) => {
      const found: string[] = [];
      for (const object of objectsOf(input)) found.push(...(await refusals(object)));
      expect(found).toEqual([]);
    },
    120_000,
  );

  test.each(spoiledObjects)('refuses $kind with $what, both ways', async ({ kind, change }) => {
    const object = sites.flatMap(({ input }) => objectsOf(input)).find((one) => one.kind === kind);
    if (!object) throw new Error(`no ${kind} is emitted`);
    expect(await refusals(spoil(object, change))).toHaveLength(2);
  });
});

/** The address of an object's collection, as discovery tells it. */
async function collections(server: RealServer, versions: ReadonlySet<string>): Promise<(object: Resource) => string> {
  const found = new Map<string, { readonly base: string; readonly plural: string; readonly namespaced: boolean }>();
  for (const version of versions) {
    const base = version.includes('/') ? `/apis/${version}` : `/api/${version}`;
    const { resources } = (await server.request('GET', base)) as {
      resources: { name: string; kind: string; namespaced: boolean }[];
    };
    for (const { name, kind, namespaced } of resources)
      if (!name.includes('/')) found.set(`${version} ${kind}`, { base, plural: name, namespaced });
  }
  return ({ apiVersion, kind, metadata }) => {
    const one = found.get(`${apiVersion} ${kind}`);
    if (!one) throw new Error(`the server does not serve ${kind} of ${apiVersion}`);
    return `${one.base}${one.namespaced ? `/namespaces/${metadata.namespace}` : ''}/${one.plural}`;
  };
}
