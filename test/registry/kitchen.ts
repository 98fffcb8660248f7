import { onTestFinished } from 'vitest';
import { quietRun, type Run } from '../../src/core/run.ts';
import { openStorage, type Storage } from '../../src/oci/index.ts';
import {
  type EmbeddedRegistry,
  type EmbeddedRegistryOptions,
  startEmbeddedRegistry,
} from '../../src/registry/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** A registry on a fresh storage and a free port, closed when the test is over. */
export interface Kitchen {
  readonly storage: Storage;
  readonly registry: EmbeddedRegistry;
  readonly url: string;
  /** `host:port`, as references have it. */
  readonly host: string;
  /** fetch() of a path below the registry. */
  call(method: string, path: string, options?: CallOptions): Promise<Response>;
}

export interface CallOptions {
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Starts one. Only inside a test. */
export async function openKitchen(
  options: Partial<EmbeddedRegistryOptions> = {},
  run: Run = quietRun(),
): Promise<Kitchen> {
  const storage = openStorage(await temporaryFolder(), { sync: 'none' });
  const registry = await startEmbeddedRegistry(
    { store: storage, listen: [{ host: '127.0.0.1', port: 0 }], ...options },
    run,
  );
  onTestFinished(() => registry.close(0));
  return {
    storage,
    registry,
    url: registry.url,
    host: new URL(registry.url).host,
    call: (method, path, { body, headers } = {}) =>
      fetch(new URL(path, registry.url), {
        method,
        redirect: 'manual',
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : Buffer.from(body) }),
        ...(headers ? { headers } : {}),
      }),
  };
}

/** The registry's own code in an error body. */
export async function errorCode(response: Response): Promise<string> {
  const body = (await response.json()) as { errors: { code: string }[] };
  return body.errors[0]?.code ?? '';
}

/** Pushes a blob in one request. */
export async function pushBlob(
  kitchen: Kitchen,
  repository: string,
  digest: string,
  body: Uint8Array,
): Promise<Response> {
  const path = `/v2/${repository}/blobs/uploads/?digest=${encodeURIComponent(digest)}`;
  return kitchen.call('POST', path, { body, headers: { 'content-type': 'application/octet-stream' } });
}
