import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseYaml } from '../../src/core/yaml.ts';
import { findProgram, sharedPath } from '../helpers/real.ts';

/** The tool that runs a real API server, when it is there and was built. */
export function findApiServer(): string | undefined {
  const tool = sharedPath('tools/kube-apiserver');
  const cache =
    process.env['KUBE_APISERVER_CACHE'] ??
    path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'kube-apiserver-1.20.2');
  return tool && existsSync(path.join(cache, 'kube-apiserver')) ? tool : undefined;
}

/**
 * A current kube-apiserver (1.30 or newer, with CEL rules and strict fields) that AIRLOCK_KUBE_APISERVER names, when etcd is there too. The one of
 * ../shared is too old for the rules of the CRDs.
 */
export function findCurrentApiServer(): string | undefined {
  const binary = process.env['AIRLOCK_KUBE_APISERVER'];
  return binary && existsSync(binary) && findProgram('etcd') ? binary : undefined;
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

/** Starts etcd and the API server in a folder of their own: by the tool of ../shared, or `current` itself. */
export async function startServer(
  server: { readonly tool: string } | { readonly current: string },
): Promise<RealServer> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'airlock-test-kube-'));
  const port = await freePort();
  const started =
    'tool' in server ? startTool(server.tool, folder, port) : await startCurrent(server.current, folder, port);
  const stop = (): void => {
    started.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const { kubeconfig } = started;
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
        await request(
          'POST',
          '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
          'tool' in server ? forOldServer(crd) : crd,
        );
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

interface StartedServer {
  readonly kubeconfig: string;
  readonly stop: () => void;
}

function startTool(tool: string, folder: string, port: number): StartedServer {
  const stop = (): void => {
    execFileSync(tool, ['down', folder], { stdio: 'ignore' });
  };
  try {
    const output = execFileSync(tool, ['up', folder, String(port)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return { kubeconfig: output.trim().split('\n').at(-1) ?? '', stop };
  } catch (error) {
    stop();
    throw error;
  }
}

async function startCurrent(binary: string, folder: string, port: number): Promise<StartedServer> {
  const etcd = `http://127.0.0.1:${port + 1}`;
  const peer = `http://127.0.0.1:${port + 2}`;
  const file = (name: string): string => path.join(folder, name);
  mkdirSync(file('certs'));
  execFileSync('openssl', ['genrsa', '-out', file('sa.key'), '2048'], { stdio: 'ignore' });
  writeFileSync(
    file('tokens.csv'),
    'admintoken,admin,admin-uid,"system:masters"\nviewtoken,viewer,viewer-uid,"viewers"\n',
  );
  const processes: ChildProcess[] = [];
  const start = (program: string, flags: Readonly<Record<string, string>>): void => {
    const log = openSync(file(`${path.basename(program)}.log`), 'a');
    const list = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    processes.push(spawn(program, list, { stdio: ['ignore', log, log] }));
  };
  start(findProgram('etcd') ?? '', {
    'data-dir': file('etcd'),
    'listen-client-urls': etcd,
    'advertise-client-urls': etcd,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `default=${peer}`,
    'unsafe-no-fsync': 'true',
  });
  start(binary, {
    'etcd-servers': etcd,
    'bind-address': '127.0.0.1',
    'advertise-address': '127.0.0.1',
    'secure-port': String(port),
    'cert-dir': file('certs'),
    'token-auth-file': file('tokens.csv'),
    'authorization-mode': 'RBAC',
    'service-account-key-file': file('sa.key'),
    'service-account-signing-key-file': file('sa.key'),
    'service-account-issuer': 'https://kubernetes.default.svc',
    'api-audiences': 'api',
    'service-cluster-ip-range': '10.96.0.0/24',
    'endpoint-reconciler-type': 'none',
    'disable-admission-plugins': 'ServiceAccount',
    'allow-privileged': 'true',
  });
  const stop = (): void => {
    // The data is thrown away, and a server without its etcd would go on asking for it.
    for (const one of processes) one.kill('SIGKILL');
  };
  const users = ['admin', 'viewer'].map((name) => ({ name, user: { token: `${name.replace('er', '')}token` } }));
  const kubeconfig = file('kubeconfig');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'test',
          cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': file('certs/apiserver.crt') },
        },
      ],
      users,
      contexts: users.map(({ name }) => ({ name, context: { cluster: 'test', user: name } })),
      'current-context': 'admin',
    }),
  );
  for (let tries = 0; !(await isReady(port)); tries += 1) {
    if (tries > 600 || processes.some((one) => one.exitCode !== null)) {
      stop();
      throw new Error(`the API server did not start: ${readFileSync(file('kube-apiserver.log'), 'utf8').slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { kubeconfig, stop };
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    https
      .get(
        {
          host: '127.0.0.1',
          port,
          path: '/readyz',
          rejectUnauthorized: false,
          headers: { authorization: 'Bearer admintoken' },
        },
        (response) => {
          response.resume();
          resolve(response.statusCode === 200);
        },
      )
      .on('error', () => resolve(false));
  });
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
  for (;;) {
    const first = await bind(0);
    const { port } = first.address() as net.AddressInfo;
    const others = await Promise.allSettled([bind(port + 1), bind(port + 2)]);
    for (const one of [first, ...others.flatMap((other) => (other.status === 'fulfilled' ? [other.value] : []))])
      await new Promise((resolve) => one.close(resolve));
    if (others.every(({ status }) => status === 'fulfilled')) return port;
  }
}

function bind(port: number): Promise<net.Server> {
  const server = net.createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    if (port > 65_535) reject(new Error('no such port'));
    else server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
