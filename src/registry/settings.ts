import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { writeFileAtomic } from '../core/files.ts';
import { hostPort } from '../core/ip.ts';
import type { Run } from '../core/run.ts';
import { renderYaml } from '../core/yaml.ts';

/** The folders of a registry in Podman below one root (`/opt/registry`). */
export interface RegistryFolders {
  readonly root: string;
  /** Distribution's root directory: holds `docker/registry/v2`. */
  readonly data: string;
  readonly certs: string;
  readonly auth: string;
  readonly conf: string;
}

/** Where the folders are seen inside the container. */
export const containerPaths = {
  data: '/var/lib/registry',
  certs: '/certs',
  auth: '/auth',
  conf: '/conf',
} as const;

/** What distribution's configuration file says. */
export interface RegistrySettings {
  readonly port: number;
  /** One address to listen on; left out: every address of both families, which is what Go makes of `:PORT`. */
  readonly listenHost?: string;
  readonly tls: boolean;
  readonly htpasswd: boolean;
  /** Stable over restarts, random, at least 32 characters: it signs the state of uploads. */
  readonly secret: string;
  readonly readOnly?: boolean;
}

export function registryFolders(root: string): RegistryFolders {
  const below = (name: string): string => path.join(root, name);
  return { root, data: below('data'), certs: below('certs'), auth: below('auth'), conf: below('conf') };
}

/** A new upload secret for `RegistrySettings`. */
export function generateSecret(): string {
  return randomBytes(32).toString('hex');
}

/**
 * `config.yml` for distribution 2.8 and 3.x (each ignores the keys that only the other has). No blob descriptor cache: `load` and garbage
 * collection change the storage beneath the running registry, which a cache would not see.
 */
export function renderRegistryConfig(settings: RegistrySettings): string {
  const { certs, auth, data } = containerPaths;
  return renderYaml({
    version: '0.1',
    log: { level: 'info', formatter: 'text', fields: { service: 'registry' } },
    storage: {
      filesystem: { rootdirectory: data },
      delete: { enabled: true },
      maintenance: {
        uploadpurging: { enabled: true, age: '168h', interval: '24h', dryrun: false },
        readonly: { enabled: settings.readOnly ?? false },
      },
    },
    http: {
      addr: settings.listenHost === undefined ? `:${settings.port}` : hostPort(settings.listenHost, settings.port),
      secret: settings.secret,
      ...(settings.tls
        ? { tls: { certificate: `${certs}/domain.crt`, key: `${certs}/domain.key`, minimumtls: 'tls1.2' } }
        : {}),
      headers: { 'X-Content-Type-Options': ['nosniff'] },
    },
    ...(settings.htpasswd ? { auth: { htpasswd: { realm: 'Registry', path: `${auth}/htpasswd` } } } : {}),
    health: { storagedriver: { enabled: true, interval: '10s', threshold: 3 } },
    // 3.x: an index may name platforms that were not mirrored (sparse images).
    validation: { manifests: { indexes: { platforms: 'none' } } },
  });
}

/** What lies in the folders; parts left out are not touched. Certificate chain and key are PEM, htpasswd is the file's text. */
export interface RegistryFiles {
  readonly config?: string;
  readonly htpasswd?: string;
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** Makes the folders and writes the files, secrets 0600, whatever the umask. @throws AirlockError FILE_UNWRITABLE, DISK_FULL */
export async function writeRegistryFiles(folders: RegistryFolders, files: RegistryFiles, run: Run): Promise<void> {
  for (const folder of [folders.data, folders.certs, folders.conf]) await run.disk.makeDirectory(folder);
  await run.disk.makeDirectory(folders.auth, 0o750);
  // The configuration holds the upload secret.
  if (files.config !== undefined)
    await writeFileAtomic(path.join(folders.conf, 'config.yml'), files.config, run, 0o600);
  if (files.htpasswd !== undefined)
    await writeFileAtomic(path.join(folders.auth, 'htpasswd'), files.htpasswd, run, 0o600);
  if (files.tls) {
    await writeFileAtomic(path.join(folders.certs, 'domain.key'), files.tls.key, run, 0o600);
    await writeFileAtomic(path.join(folders.certs, 'domain.crt'), files.tls.certificate, run);
  }
}
