import path from 'node:path';
import { AirlockError } from '../../core/errors.ts';
import { readFileLimited } from '../../core/files.ts';
import type { HostTls } from '../../core/http-trust.ts';
import type { Run } from '../../core/run.ts';
import type { RemoteOptions } from './options.ts';

const anyCertificate: HostTls = { insecure: true };

/** Where the containers tools look for `<host[:port]>/*.crt`: the user's folder first, as rootless Podman does. */
export function defaultCertsDirs(homeDir?: string): string[] {
  return [
    ...(homeDir ? [path.join(homeDir, '.config/containers/certs.d')] : []),
    '/etc/containers/certs.d',
    '/etc/docker/certs.d',
  ];
}

/**
 * TLS settings of a registry from `--cert-dir` or certs.d: every `*.crt` is a CA, `NAME.cert` with `NAME.key` a client certificate.
 * The first folder that exists for the host counts. undefined: nothing special.
 * @throws AirlockError HTTP_CA_INVALID (a certificate without its key), FILE_UNREADABLE @see containers-certs.d(5)
 */
export async function findHostTls(
  registry: string,
  insecure: boolean,
  options: Pick<RemoteOptions, 'certDir' | 'certsDirs'>,
  run: Run,
): Promise<HostTls | undefined> {
  const found = options.certDir
    ? await readCertificates(options.certDir, run)
    : await firstOf(options.certsDirs ?? [], registry, run);
  if (!found) return insecure ? anyCertificate : undefined;
  return { ...found, insecure };
}

async function firstOf(folders: readonly string[], registry: string, run: Run): Promise<HostTls | undefined> {
  for (const folder of folders) {
    const host = path.join(folder, registry);
    if ((await run.disk.stat(host).catch(() => undefined)) !== undefined) return readCertificates(host, run);
  }
  return undefined;
}

async function readCertificates(folder: string, run: Run): Promise<HostTls | undefined> {
  const names = (await run.disk.list(folder)).filter((entry) => entry.kind !== 'directory').map((entry) => entry.name);
  const read = async (name: string): Promise<string> =>
    (await readFileLimited(path.join(folder, name), run, 1 << 20)).toString('utf8');
  const caPem = await Promise.all(names.filter((name) => name.endsWith('.crt')).map(read));
  const cert = names.find((name) => name.endsWith('.cert'));
  const key = cert?.replace(/\.cert$/, '.key');
  if (cert && key && !names.includes(key))
    throw new AirlockError('HTTP_CA_INVALID', `${path.join(folder, cert)} has no ${key} beside it`);
  if (caPem.length === 0 && !cert) return undefined;
  return {
    ...(caPem.length > 0 ? { caPem } : {}),
    ...(cert && key ? { certPem: await read(cert), keyPem: await read(key) } : {}),
  };
}
