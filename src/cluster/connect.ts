import type { KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node';
import { AirlockError } from '../core/errors.ts';
import { cancellation, type Run } from '../core/run.ts';
import { apiError, missingTarget, NotThere } from './api-errors.ts';
import { type ClusterClient, fieldManager } from './client.ts';
import { type KubeconfigSource, loadKubeconfig, loadLibrary } from './kubeconfig.ts';
import type { ClusterObject, ObjectRef } from './types.ts';

/** The API server itself gives up after a minute: longer than that a question hangs. */
const answerMs = 65_000;

/**
 * A client for the current context of a kubeconfig. Nothing is asked of the cluster yet. `limitMs`: how long one question may take.
 * @throws AirlockError KUBECONFIG_INVALID
 */
export async function connectCluster(source: KubeconfigSource, limitMs = answerMs): Promise<ClusterClient> {
  const { KubernetesObjectApi, PatchStrategy } = await loadLibrary();
  const config = await loadKubeconfig(source);
  const server = config.getCurrentCluster()?.server ?? '';
  const authenticate = config.applySecurityAuthentication.bind(config);
  // The one place where each request can be given an end: an open socket would keep the process alive after its error was told.
  config.applySecurityAuthentication = async (request) => {
    await authenticate(request);
    request.setSignal(AbortSignal.timeout(limitMs));
  };
  return createClient(KubernetesObjectApi.makeApiClient(config), PatchStrategy, (ref, run, ask) =>
    call({ ref, server, limitMs }, run, ask),
  );
}

/** Asks one question about an object. */
type Ask = <T>(ref: ObjectRef, run: Run, ask: () => Promise<T>) => Promise<T>;

function createClient(api: KubernetesObjectApi, strategies: typeof PatchStrategy, call: Ask): ClusterClient {
  const write: Ask = (ref, run, ask) =>
    call(ref, run, ask).catch((error: unknown) => {
      throw error instanceof NotThere ? missingTarget(error, ref) : error;
    });
  return {
    async find(ref, run) {
      try {
        return toObject(await call(ref, run, () => api.read(header(ref))));
      } catch (error) {
        if (error instanceof NotThere) return undefined;
        throw error;
      }
    },
    async list(query, run) {
      const ref: ObjectRef = { ...query, name: '' };
      try {
        const found = await call(ref, run, () =>
          api.list(
            query.apiVersion,
            query.kind,
            query.namespace,
            undefined,
            undefined,
            undefined,
            undefined,
            query.labels,
          ),
        );
        // Items of a list come without kind and version.
        return found.items.map((item) => toObject({ ...item, apiVersion: query.apiVersion, kind: query.kind }));
      } catch (error) {
        if (error instanceof NotThere || (error instanceof AirlockError && error.code === 'CLUSTER_KIND_UNKNOWN'))
          return [];
        throw error;
      }
    },
    async apply(object, { dryRun, force }, run) {
      const ref = { apiVersion: object.apiVersion, kind: object.kind, ...object.metadata };
      const sent = { ...object, metadata: { ...object.metadata } };
      return toObject(
        await write(ref, run, () =>
          api.patch(sent, undefined, dryRun ? 'All' : undefined, fieldManager, force, strategies.ServerSideApply),
        ),
      );
    },
    async mergePatch(ref, patch, run) {
      const body = { ...patch, ...header(ref), metadata: { ...asRecord(patch['metadata']), ...header(ref).metadata } };
      return toObject(
        await write(ref, run, () =>
          api.patch(body, undefined, undefined, fieldManager, undefined, strategies.MergePatch),
        ),
      );
    },
    async remove(ref, run) {
      try {
        await call(ref, run, () => api.delete(header(ref), undefined, undefined, undefined, undefined, 'Foreground'));
        return true;
      } catch (error) {
        if (error instanceof NotThere) return false;
        throw error;
      }
    },
  };
}

function header(ref: ObjectRef): { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } } {
  return {
    apiVersion: ref.apiVersion,
    kind: ref.kind,
    metadata: { name: ref.name, ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }) },
  };
}

/** The library gives its own classes, and dates as Date: JSON is what was sent. */
function toObject(value: unknown): ClusterObject {
  return JSON.parse(JSON.stringify(value)) as ClusterObject;
}

interface Question {
  readonly ref: ObjectRef;
  readonly server: string;
  readonly limitMs: number;
}

async function call<T>({ ref, server, limitMs }: Question, run: Run, ask: () => Promise<T>): Promise<T> {
  if (run.signal.aborted) throw cancellation(run.signal);
  // A call that is under way when the run ends is left to end by itself.
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(cancellation(run.signal));
    run.signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([ask(), aborted]);
  } catch (error) {
    throw apiError(
      isTimeUp(error) ? new Error(`nothing came in ${Math.round(limitMs / 1000)} seconds`) : error,
      ref,
      server,
    );
  } finally {
    if (abort) run.signal.removeEventListener('abort', abort);
  }
}

/** How the library's client says that the signal of a request ended it. */
function isTimeUp(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
