import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ClusterClient, type ClusterObject, connectCluster } from '../../src/cluster/index.ts';
import { answerExec, type ExecAnswer } from './fake-exec.ts';

/** Kinds that the fake serves: `apiVersion` → kind → plural, whether namespaced. */
const served: Readonly<Record<string, readonly { kind: string; name: string; namespaced: boolean }[]>> = {
  v1: [
    { kind: 'Namespace', name: 'namespaces', namespaced: false },
    { kind: 'ConfigMap', name: 'configmaps', namespaced: true },
    { kind: 'Secret', name: 'secrets', namespaced: true },
    { kind: 'Pod', name: 'pods', namespaced: true },
    { kind: 'PersistentVolumeClaim', name: 'persistentvolumeclaims', namespaced: true },
  ],
  'apps/v1': [
    { kind: 'Deployment', name: 'deployments', namespaced: true },
    { kind: 'StatefulSet', name: 'statefulsets', namespaced: true },
  ],
  'config.openshift.io/v1': [
    { kind: 'ImageDigestMirrorSet', name: 'imagedigestmirrorsets', namespaced: false },
    { kind: 'ImageTagMirrorSet', name: 'imagetagmirrorsets', namespaced: false },
    { kind: 'Image', name: 'images', namespaced: false },
    { kind: 'Network', name: 'networks', namespaced: false },
    { kind: 'OperatorHub', name: 'operatorhubs', namespaced: false },
  ],
  'machineconfiguration.openshift.io/v1': [
    { kind: 'MachineConfigPool', name: 'machineconfigpools', namespaced: false },
  ],
  'hypershift.openshift.io/v1beta1': [
    { kind: 'HostedCluster', name: 'hostedclusters', namespaced: true },
    { kind: 'NodePool', name: 'nodepools', namespaced: true },
  ],
  'agent-install.openshift.io/v1beta1': [{ kind: 'Agent', name: 'agents', namespaced: true }],
  'operators.coreos.com/v1alpha1': [
    { kind: 'CatalogSource', name: 'catalogsources', namespaced: true },
    { kind: 'Subscription', name: 'subscriptions', namespaced: true },
    { kind: 'ClusterServiceVersion', name: 'clusterserviceversions', namespaced: true },
  ],
};

type Stored = Record<string, unknown> & { metadata: Record<string, unknown> };

/** An API server over HTTP that knows discovery, reading, server-side apply by whole fields, merge patches and deletion. */
export class FakeApi {
  readonly objects = new Map<string, Stored>();
  /** Who owns a leaf field: `key path` → manager. */
  readonly owners = new Map<string, string>();
  /** Writes that were kept, as `VERB key`. */
  readonly writes: string[] = [];
  /** The next so many requests are cut off. */
  failing = 0;
  /** What commands in pods answer, given what they were written. */
  exec: (pod: string, command: readonly string[], input?: Buffer) => ExecAnswer = () => ({ exitCode: 127 });
  /** Plays the controllers: told after each write that was kept. */
  onWrite: (write: string) => void = () => {};
  #version = 0;

  /** Puts an object there as `manager`. */
  put(object: ClusterObject, manager = 'somebody'): void {
    const key = keyOf(object.apiVersion, object.kind, object.metadata.namespace, object.metadata.name);
    this.#store(key, structuredClone(object) as unknown as Stored);
    for (const path of leaves(object)) this.owners.set(`${key} ${path}`, manager);
  }

  find(apiVersion: string, kind: string, namespace: string | undefined, name: string): Stored | undefined {
    return this.objects.get(keyOf(apiVersion, kind, namespace, name));
  }

  #store(key: string, object: Stored): Stored {
    this.#version += 1;
    const stored = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(this.#version), generation: 1 },
    };
    this.objects.set(key, stored);
    return stored;
  }

  async start(): Promise<ClusterClient> {
    return connectCluster({ text: await this.listen() });
  }

  /** Starts it, and gives a kubeconfig for it. */
  async listen(): Promise<string> {
    const server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (this.failing > 0) {
          this.failing -= 1;
          request.socket.destroy();
          return;
        }
        const url = new URL(request.url ?? '/', 'http://fake');
        const text = Buffer.concat(chunks).toString();
        const { status, body } = this.#answer(
          request.method ?? 'GET',
          url,
          text,
          request.headers['content-type'] ?? '',
        );
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
    server.on('upgrade', (request, socket) => answerExec(request, socket, this.exec));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'fake', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'cook', user: { token: 'salt' } }],
      contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'cook' } }],
      'current-context': 'fake',
    });
  }

  #answer(method: string, url: URL, text: string, type: string): { status: number; body: unknown } {
    const parsed = parsePath(url.pathname);
    if (!parsed) return { status: 404, body: { kind: 'Status', message: '404 page not found' } };
    const { apiVersion, plural, namespace, name } = parsed;
    const kinds = served[apiVersion];
    if (!kinds) return { status: 404, body: { kind: 'Status', message: '404 page not found' } };
    if (plural === undefined)
      return { status: 200, body: { kind: 'APIResourceList', groupVersion: apiVersion, resources: kinds } };
    const kind = kinds.find((one) => one.name === plural)?.kind ?? '';
    const key = keyOf(apiVersion, kind, namespace, name ?? '');
    if (method === 'GET' && name === undefined) {
      const prefix = keyOf(apiVersion, kind, namespace, '');
      const items = [...this.objects].filter(([one]) => one.startsWith(prefix)).map(([, object]) => object);
      return { status: 200, body: { kind: `${kind}List`, apiVersion, metadata: {}, items } };
    }
    const there = this.objects.get(key);
    if (method === 'PATCH' && type.includes('apply-patch'))
      return this.#apply(key, there, JSON.parse(text) as Stored, url);
    if (!there)
      return {
        status: 404,
        body: { kind: 'Status', reason: 'NotFound', message: `${plural} "${name}" not found`, details: { name } },
      };
    if (method === 'GET') return { status: 200, body: there };
    const write = `${method} ${key}`;
    this.writes.push(write);
    const stored = method === 'PATCH' ? this.#store(key, mergeDeep(there, JSON.parse(text)) as Stored) : undefined;
    if (!stored) this.objects.delete(key);
    this.onWrite(write);
    return { status: 200, body: stored ?? { kind: 'Status', status: 'Success' } };
  }

  #apply(key: string, there: Stored | undefined, sent: Stored, url: URL): { status: number; body: unknown } {
    const manager = url.searchParams.get('fieldManager') ?? '';
    const { resourceVersion } = sent.metadata;
    if (resourceVersion !== undefined && resourceVersion !== there?.metadata['resourceVersion'])
      return {
        status: 409,
        body: { kind: 'Status', reason: 'Conflict', message: 'the object has been modified', details: {} },
      };
    const conflicts = leaves(sent).filter((path) => {
      const owner = this.owners.get(`${key} ${path}`);
      return (
        owner !== undefined && owner !== manager && JSON.stringify(at(there, path)) !== JSON.stringify(at(sent, path))
      );
    });
    if (conflicts.length > 0 && url.searchParams.get('force') !== 'true')
      return {
        status: 409,
        body: {
          kind: 'Status',
          reason: 'Conflict',
          message: `Apply failed with ${conflicts.length} conflict`,
          details: {
            causes: conflicts.map((path) => ({
              field: path,
              message: `conflict with "${this.owners.get(`${key} ${path}`)}"`,
            })),
          },
        },
      };
    const merged = mergeDeep(there ?? {}, sent) as Stored;
    if (url.searchParams.get('dryRun') === 'All') return { status: 200, body: merged };
    for (const path of leaves(sent)) this.owners.set(`${key} ${path}`, manager);
    if (there && JSON.stringify(merged) === JSON.stringify(mergeDeep(there, {}))) return { status: 200, body: there };
    this.writes.push(`APPLY ${key}`);
    const stored = this.#store(key, merged);
    this.onWrite(`APPLY ${key}`);
    return { status: there ? 200 : 201, body: stored };
  }
}

function keyOf(apiVersion: string, kind: string, namespace: string | undefined, name: string): string {
  return `${apiVersion} ${kind} ${namespace ?? ''}/${name}`;
}

function parsePath(
  text: string,
): { apiVersion: string; plural?: string; namespace?: string; name?: string } | undefined {
  const [, core, group, rest = ''] = /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))(?:\/(.*))?$/.exec(text) ?? [];
  const apiVersion = core ?? group;
  if (apiVersion === undefined) return undefined;
  const parts = rest.split('/').filter((part) => part !== '');
  const [namespace, tail] =
    parts[0] === 'namespaces' && parts.length > 2 ? [parts[1], parts.slice(2)] : [undefined, parts];
  const [plural, name] = tail;
  return {
    apiVersion,
    ...(plural === undefined ? {} : { plural }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name: decodeURIComponent(name) }),
  };
}

function mergeDeep(before: unknown, after: unknown): unknown {
  if (!isRecord(before) || !isRecord(after)) return after;
  const merged: Record<string, unknown> = { ...before };
  for (const [key, value] of Object.entries(after)) {
    if (value === null) delete merged[key];
    else merged[key] = mergeDeep(merged[key], value);
  }
  return merged;
}

function leaves(value: unknown, path = ''): string[] {
  if (!isRecord(value)) return [path];
  return Object.entries(value)
    .filter(([key]) => path !== '' || !['apiVersion', 'kind', 'metadata', 'status'].includes(key))
    .flatMap(([key, item]) => leaves(item, `${path}\u0000${key}`));
}

function at(value: unknown, path: string): unknown {
  return path
    .split('\u0000')
    .slice(1)
    .reduce<unknown>((found, key) => (isRecord(found) ? found[key] : undefined), value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
