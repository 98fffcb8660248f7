import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseYaml } from '../../src/core/yaml.ts';
import { sharedPath } from '../helpers/real.ts';

/** The tool that runs a real API server, when it is there and was built. */
export function findApiServer(): string | undefined {
  const tool = sharedPath('tools/kube-apiserver');
  const cache =
    process.env['KUBE_APISERVER_CACHE'] ??
    path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'kube-apiserver-1.20.2');
  return tool && existsSync(path.join(cache, 'kube-apiserver')) ? tool : undefined;
}

/** A running API server. */
export interface RealServer {
  readonly kubeconfig: string;
  /** One request; throws unless 2xx or one of `accept`. */
  request(method: string, url: string, body?: unknown, type?: string, accept?: readonly number[]): Promise<unknown>;
  /** Loads CRDs of ../shared/crds by kind. */
  loadKinds(kinds: readonly string[]): Promise<void>;
  stop(): void;
}

/** Starts etcd and the API server in a folder of their own. */
export async function startServer(tool: string): Promise<RealServer> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'airlock-test-kube-'));
  const port = await freePort();
  const stop = (): void => {
    execFileSync(tool, ['down', folder], { stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
  };
  let kubeconfig: string;
  try {
    const output = execFileSync(tool, ['up', folder, String(port)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    kubeconfig = output.trim().split('\n').at(-1) ?? '';
  } catch (error) {
    stop();
    throw error;
  }
  const request: RealServer['request'] = (method, url, body, type = 'application/json', accept = []) =>
    new Promise((resolve, reject) => {
      const sent = https.request(
        {
          host: '127.0.0.1',
          port,
          path: url,
          method,
          rejectUnauthorized: false,
          headers: { authorization: 'Bearer admintoken', 'content-type': type },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const status = response.statusCode ?? 0;
            if (status < 300 || accept.includes(status)) resolve(JSON.parse(text));
            else reject(new Error(`${method} ${url}: ${status} ${text.slice(0, 400)}`));
          });
        },
      );
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return {
    kubeconfig,
    request,
    async loadKinds(kinds) {
      const crds = sharedPath('crds') ?? '';
      for (const file of readdirSync(crds).filter((name) => name.endsWith('.yaml'))) {
        const crd = parseYaml(readFileSync(path.join(crds, file), 'utf8')) as {
          metadata: { name: string };
          spec: { names: { kind: string } };
        };
        if (!kinds.includes(crd.spec.names.kind)) continue;
        await request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', forOldServer(crd));
      }
      for (let tries = 0; tries < 200; tries += 1) {
        const list = (await request('GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions')) as {
          items: { status?: { conditions?: { type: string; status: string }[] } }[];
        };
        if (
          list.items.every((one) =>
            one.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True'),
          )
        )
          return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error('CRDs were not established');
    },
    stop,
  };
}

/** Kubernetes 1.20 takes neither CEL rules nor empty defaults, and so no lists that are keyed by a field with such a default. */
function forOldServer(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(forOldServer);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([key, item]) =>
          !['x-kubernetes-validations', 'x-kubernetes-list-map-keys'].includes(key) &&
          !(key === 'default' && item === '') &&
          !(key === 'x-kubernetes-list-type' && item === 'map'),
      )
      .map(([key, item]) => [key, forOldServer(item)]),
  );
}

/** Three ports in a row are used: API, etcd client, etcd peer. */
async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port > 65_000 ? port - 10 : port;
}
