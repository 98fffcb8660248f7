import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { findFile, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { runCommand } from '../core/run-command.ts';
import { describeCertificate } from './describe.ts';
import { renderPemBundle, splitPemBundle } from './pem.ts';

/** A host trust store: the folder for the administrator's CAs, and the command that reads it. */
export interface HostTrustKind {
  readonly name: 'rhel' | 'debian' | 'suse' | 'arch';
  readonly folder: string;
  readonly command: readonly [string, ...string[]];
}

const kinds: readonly HostTrustKind[] = [
  { name: 'rhel', folder: '/etc/pki/ca-trust/source/anchors', command: ['update-ca-trust', 'extract'] },
  { name: 'suse', folder: '/etc/pki/trust/anchors', command: ['update-ca-certificates'] },
  { name: 'arch', folder: '/etc/ca-certificates/trust-source/anchors', command: ['update-ca-trust', 'extract'] },
  { name: 'debian', folder: '/usr/local/share/ca-certificates', command: ['update-ca-certificates'] },
];

/** What an installation did. */
export interface TrustInstallation {
  readonly files: readonly string[];
  readonly changed: boolean;
  /** What has to be run where the command was not run here. */
  readonly command: string | undefined;
}

/** The trust store of a host whose file system starts at `root`. @throws AirlockError TRUST_UNSUPPORTED */
export async function detectHostTrust(root: string, run: Run): Promise<HostTrustKind> {
  for (const kind of kinds) if ((await run.disk.stat(path.join(root, kind.folder)))?.kind === 'directory') return kind;
  throw new AirlockError('TRUST_UNSUPPORTED', 'this host has no folder for CA certificates of a known kind', {
    hint: 'install the package ca-certificates, or put the CA where the host expects it',
  });
}

/**
 * Makes the certificates of `caPem` known to every program of the host, and forgets those that were installed before under the same name. One
 * file per certificate: Debian's tool skips a file with two. The store is rebuilt only when something changed and `root` is `/`.
 * @throws AirlockError TRUST_UNSUPPORTED, COMMAND_NOT_FOUND, COMMAND_FAILED, disk errors
 */
export async function installHostTrust(
  options: { readonly caPem: string; readonly name: string; readonly root?: string },
  run: Run,
): Promise<TrustInstallation> {
  const root = options.root ?? '/';
  const kind = await detectHostTrust(root, run);
  const folder = path.join(root, kind.folder);
  const prefix = `airlock-${options.name.replace(/[^A-Za-z0-9.-]/g, '-')}-`;
  const wanted = new Map(
    splitPemBundle(options.caPem).map((pem) => [
      `${prefix}${describeCertificate(pem).fingerprintSha256.slice(0, 16)}.crt`,
      pem,
    ]),
  );
  let changed = false;
  for (const [name, pem] of wanted) changed = (await writeIfDifferent(path.join(folder, name), pem, run)) || changed;
  for (const { name } of await run.disk.list(folder)) {
    if (!name.startsWith(prefix) || !/-[0-9a-f]{16}\.crt$/.test(name) || wanted.has(name)) continue;
    await run.disk.remove(path.join(folder, name));
    changed = true;
  }
  if (changed && root === '/') await rebuild(kind, run);
  const command = changed && root !== '/' ? kind.command.join(' ') : undefined;
  return { files: [...wanted.keys()].map((name) => path.join(folder, name)), changed, command };
}

/** Takes the certificates of this name out of the host's trust again. @throws as `installHostTrust` */
export function removeHostTrust(
  options: { readonly name: string; readonly root?: string },
  run: Run,
): Promise<TrustInstallation> {
  return installHostTrust({ ...options, caPem: '' }, run);
}

/**
 * Writes `<certs.d>/<registry>/ca.crt` for every registry reference (`registry.lab.example.com:5000`; the port stands in the folder's name
 * exactly when it stands in the reference). Podman, skopeo and CRI-O read it at each pull.
 * @throws disk errors
 */
export async function installRegistryTrust(
  options: {
    readonly caPem: string;
    readonly registries: readonly string[];
    readonly root?: string;
    readonly folder?: string;
  },
  run: Run,
): Promise<TrustInstallation> {
  const base = path.join(options.root ?? '/', options.folder ?? '/etc/containers/certs.d');
  const pem = renderPemBundle([options.caPem]);
  const files = [...new Set(options.registries)].map((registry) => path.join(base, registryFolder(registry), 'ca.crt'));
  let changed = false;
  for (const file of files) changed = (await writeIfDifferent(file, pem, run)) || changed;
  return { files, changed, command: undefined };
}

function registryFolder(registry: string): string {
  if (/^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.test(registry) && !/^\.+$/.test(registry))
    return registry;
  throw new AirlockError('SAN_INVALID', `"${registry}" is not a registry host`, { hint: 'write HOST or HOST:PORT' });
}

async function writeIfDifferent(file: string, content: string, run: Run): Promise<boolean> {
  if ((await findFile(file, run))?.toString() === content) return false;
  await writeFileAtomic(file, content, run, 0o644);
  return true;
}

async function rebuild(kind: HostTrustKind, run: Run): Promise<void> {
  const [program, ...args] = kind.command;
  const result = await runCommand(program, args, {}, run);
  if (result.exitCode === 0) return;
  throw new AirlockError(
    'COMMAND_FAILED',
    `${result.command} ended with ${result.exitCode}: ${result.stderr.trim().slice(-500)}`,
  );
}
