import { openBundleStore } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import { readFileLimited } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { openStorage } from '../oci/index.ts';
import { type ListenAddress, parseHtpasswd, startEmbeddedRegistry } from '../registry/index.ts';
import { openMedia } from './media.ts';
import { openAccessLog } from './services/access-log-file.ts';

export interface RegistryServeRequest {
  readonly storage?: string | undefined;
  readonly bundle?: string | undefined;
  /** Further folders where parts of the same bundle lie. */
  readonly media?: readonly string[] | undefined;
  readonly listen: readonly ListenAddress[];
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly htpasswdFile?: string | undefined;
  readonly anonymousPull: boolean;
  readonly readOnly: boolean;
  readonly allowSparse: boolean;
  /** Where requests are logged; left out: nowhere. */
  readonly accessLogFile?: string | undefined;
  /** Called with the URL once it listens. */
  readonly onReady: (url: string) => void;
}

/**
 * Serves a storage folder, or a bundle in place, until the run is aborted.
 * @throws AirlockError USAGE, LISTEN_FAILED, TLS_INVALID, HTPASSWD_INVALID, BUNDLE_NOT_FOUND
 */
export async function serveRegistry(request: RegistryServeRequest, run: Run): Promise<void> {
  const { storage, bundle, certificateFile, keyFile } = request;
  if ((storage === undefined) === (bundle === undefined))
    throw new AirlockError('USAGE', 'name either --storage DIR or --bundle BUNDLE');
  if ((certificateFile === undefined) !== (keyFile === undefined))
    throw new AirlockError('USAGE', '--tls-cert and --tls-key go together');
  const media = bundle === undefined ? undefined : await openMedia(bundle, request.media ?? [], run);
  // Volumes that lie in parts are read through the disk that puts them together.
  const serving = media?.run ?? run;
  const opened = media && (await openBundleStore(media.bundles, {}, serving));
  if (storage !== undefined) await run.disk.makeDirectory(storage);
  const text = async (file: string): Promise<string> => (await readFileLimited(file, run)).toString();
  const log = request.accessLogFile === undefined ? undefined : openAccessLog(request.accessLogFile, run);
  const registry = await startEmbeddedRegistry(
    {
      store: opened ?? openStorage(storage ?? ''),
      listen: request.listen,
      anonymousPull: request.anonymousPull,
      readOnly: request.readOnly || opened !== undefined,
      sparse: request.allowSparse ? 'all' : 'none',
      ...(log ? { accessLog: log.add } : {}),
      ...(certificateFile && keyFile
        ? { tls: { certificate: await text(certificateFile), key: await text(keyFile) } }
        : {}),
      ...(request.htpasswdFile ? { htpasswd: parseHtpasswd(await text(request.htpasswdFile)) } : {}),
    },
    serving,
  );
  for (const one of opened?.incomplete ?? []) {
    run.report({
      stage: 'serve',
      state: 'log',
      level: 'warning',
      message: `${one.repository}:${one.tag} is not served: ${one.missing.length} of its blobs are in an earlier generation, or on another medium`,
    });
  }
  request.onReady(registry.url);
  await new Promise<void>((resolve) => {
    if (run.signal.aborted) resolve();
    run.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await registry.close(0);
  await log?.close();
  await opened?.close();
}
