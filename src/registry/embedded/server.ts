import type { AccessEntry } from '../../core/access-log.ts';
import { errorText } from '../../core/errors.ts';
import { assertRunning, type Run } from '../../core/run.ts';
import { findZeroCopy } from '../../core/zero-copy.ts';
import { type ContentStore, ReferrersIndex } from '../../oci/index.ts';
import { CredentialChecker, type Htpasswd } from '../htpasswd.ts';
import type { AccessRules } from './auth.ts';
import type { ServerContext, SparseRule } from './context.ts';
import { RepositoryLocks } from './repository-locks.ts';
import { createListener } from './request-listener.ts';
import { Transfers } from './send-blob.ts';
import {
  closeServers,
  type ListenAddress,
  openServers,
  reachableAddress,
  replaceTls,
  type TlsPair,
} from './sockets.ts';
import { UploadSessions } from './upload-sessions.ts';

export interface EmbeddedRegistryOptions {
  readonly store: ContentStore;
  /** Default 127.0.0.1:5000. */
  readonly listen?: readonly ListenAddress[];
  /** Left out: plain HTTP. */
  readonly tls?: TlsPair;
  /** Left out: everybody may do everything. */
  readonly htpasswd?: Htpasswd;
  /** With `htpasswd`: reading needs no credentials. */
  readonly anonymousPull?: boolean;
  readonly readOnly?: boolean;
  /** Which manifests are accepted whose content is not all there; default `none`. */
  readonly sparse?: SparseRule;
  readonly accessLog?: (entry: AccessEntry) => void;
  /** How long an upload that no request touches is held open before it is parked in the storage; default five minutes. */
  readonly uploadIdleMs?: number;
  /** False: every byte goes through a buffer of this process, as it does where koffi is not installed. */
  readonly zeroCopy?: boolean;
}

/** A running embedded registry. */
export interface EmbeddedRegistry {
  /** Where it listens, ports filled in. */
  readonly addresses: readonly ListenAddress[];
  /** The first address as a URL, a wildcard as the loopback of its family. */
  readonly url: string;
  /** New connections get the new pair; open ones go on. @throws AirlockError TLS_INVALID, then the old pair stays */
  replaceTls(pair: TlsPair): void;
  setReadOnly(readOnly: boolean): void;
  /** Changes who may log in; only for a server that was started with `htpasswd`. */
  replaceUsers(htpasswd: Htpasswd): void;
  /** Stops listening, waits up to `graceMs` (default 5,000) for requests under way, then breaks them. */
  close(graceMs?: number): Promise<void>;
}

/** An upload that brought no byte for this long is given up. A day covers a link that is down over night. */
const uploadAgeMs = 24 * 3_600_000;

/**
 * Serves a store by the OCI distribution-spec v1.1. Aborting the run closes the server at once. Uploads that brought nothing for a day are
 * removed at start and every hour.
 * @throws AirlockError LISTEN_FAILED, TLS_INVALID
 */
export async function startEmbeddedRegistry(options: EmbeddedRegistryOptions, run: Run): Promise<EmbeddedRegistry> {
  assertRunning(run);
  const context: ServerContext = {
    store: options.store,
    referrers: new ReferrersIndex(options.store),
    uploads: new UploadSessions(options.uploadIdleMs),
    locks: new RepositoryLocks(),
    transfers: new Transfers(),
    zeroCopy: options.zeroCopy === false ? undefined : findZeroCopy(),
    sparse: options.sparse ?? 'none',
    readOnly: options.readOnly ?? false,
    run,
  };
  await collectUploads(context);
  const rules: AccessRules | undefined = options.htpasswd && {
    checker: new CredentialChecker(options.htpasswd),
    anonymousPull: options.anonymousPull ?? false,
  };
  const listener = createListener(context, rules, options.accessLog);
  const wanted = options.listen ?? [{ host: '127.0.0.1', port: 5000 }];
  const { servers, addresses } = await openServers(wanted, options.tls, listener, context.zeroCopy);
  const collecting = setInterval(() => void collectUploads(context), 3_600_000).unref();
  const close = async (graceMs: number): Promise<void> => {
    clearInterval(collecting);
    await closeServers(servers, graceMs);
    await context.uploads.close();
  };
  const abort = (): void => void close(0).catch(() => {});
  run.signal.addEventListener('abort', abort, { once: true });
  return {
    addresses,
    url: `${options.tls ? 'https' : 'http'}://${reachableAddress(addresses[0])}`,
    replaceTls: (pair) => replaceTls(servers, pair),
    setReadOnly: (readOnly) => {
      context.readOnly = readOnly;
    },
    replaceUsers: (htpasswd) => {
      if (rules) rules.checker = new CredentialChecker(htpasswd);
    },
    close: async (graceMs = 5000) => {
      run.signal.removeEventListener('abort', abort);
      await close(graceMs);
    },
  };
}

/** Housekeeping must not keep content from being served: that it failed is only said. */
async function collectUploads({ store, readOnly, run }: ServerContext): Promise<void> {
  if (readOnly) return;
  try {
    await store.writer?.collectStale(uploadAgeMs, run);
  } catch (error) {
    const message = `registry: abandoned uploads were not removed: ${errorText(error)}`;
    run.report({ stage: 'serve', state: 'log', level: 'warning', message });
  }
}
