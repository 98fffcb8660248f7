import { execFile, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { findProgram } from './real.ts';
import { temporaryFolder } from './temporary.ts';

/** How Debian's docker-registry is started. */
export interface DockerRegistryOptions {
  /** Default 127.0.0.1; with `::` both families are served and the IPv6 literal is given back. */
  readonly host?: string;
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly user?: { readonly name: string; readonly password: string };
  /** Holds docker/registry/v2; default: a fresh folder. */
  readonly storage?: string;
}

/** Starts the real registry (deletes allowed) on a free port; it ends with the test. */
export async function startDockerRegistry(
  options: DockerRegistryOptions = {},
): Promise<{ host: string; storage: string }> {
  const registry = await openDockerRegistry(await temporaryFolder(), options);
  onTestFinished(registry.close);
  return registry;
}

/** As `startDockerRegistry`, with its files in `folder` and until the caller closes it: for whole suites. */
export async function openDockerRegistry(
  folder: string,
  options: DockerRegistryOptions = {},
): Promise<{ host: string; storage: string; close: () => Promise<void> }> {
  const storage = options.storage ?? path.join(folder, 'storage');
  const address = options.host ?? '127.0.0.1';
  const port = await freePort(address);
  const host = address === '::' ? `[::1]:${port}` : `${address}:${port}`;
  const lines = [
    'version: 0.1',
    'log: {level: error}',
    `storage: {filesystem: {rootdirectory: ${JSON.stringify(storage)}}, delete: {enabled: true}}`,
  ];
  const tls: string[] = [];
  if (options.tls) {
    await writeFile(path.join(folder, 'key.pem'), options.tls.key);
    await writeFile(path.join(folder, 'cert.pem'), options.tls.cert);
    tls.push(`tls: {certificate: ${path.join(folder, 'cert.pem')}, key: ${path.join(folder, 'key.pem')}}`);
  }
  lines.push(`http: {addr: "${address === '::' ? `:${port}` : host}"${tls.map((text) => `, ${text}`).join('')}}`);
  if (options.user) {
    const program = findProgram('htpasswd') ?? 'htpasswd';
    const { stdout } = await promisify(execFile)(program, [
      '-nbB',
      '-C',
      '4',
      options.user.name,
      options.user.password,
    ]);
    await writeFile(path.join(folder, 'htpasswd'), stdout);
    lines.push(`auth: {htpasswd: {realm: kitchen, path: ${path.join(folder, 'htpasswd')}}}`);
  }
  const file = path.join(folder, 'config.yml');
  await writeFile(file, `${lines.join('\n')}\n`);
  const child = spawn(findProgram('docker-registry') ?? 'docker-registry', ['serve', file], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  const close = (): Promise<void> => {
    child.kill('SIGKILL');
    return ended;
  };
  await waitForPort(address, port).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { host, storage, close };
}

async function freePort(host: string): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function waitForPort(host: string, port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, host, () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`docker-registry does not listen on ${host} port ${port}`);
}
