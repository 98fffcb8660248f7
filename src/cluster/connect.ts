import type { KubeConfig, KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node';
import { AirlockError, errorText } from '../core/errors.ts';
import { cancellation, type Run } from '../core/run.ts';
import { type ClusterClient, fieldManager } from './client.ts';
import { type ClusterObject, describeRef, type ObjectRef } from './types.ts';

/** Where a kubeconfig comes from: a file (paths in it start at its folder), or text as hosted clusters keep it in a Secret. */
export type KubeconfigSource = { readonly file: string } | { readonly text: string };

/**
 * A client for the current context of a kubeconfig. Nothing is asked of the cluster yet.
 * @throws AirlockError KUBECONFIG_INVALID
 */
export async function connectCluster(source: KubeconfigSource): Promise<ClusterClient> {
  const { KubernetesObjectApi, PatchStrategy } = await loadLibrary();
  return createClient(KubernetesObjectApi.makeApiClient(await loadKubeconfig(source)), PatchStrategy);
}

/** The library is some 800 files; most commands never talk to a cluster and start in half the time without it. */
export function loadLibrary(): Promise<typeof import('@kubernetes/client-node')> {
  return import('@kubernetes/client-node');
}

/** @throws AirlockError KUBECONFIG_INVALID */
export async function loadKubeconfig(source: KubeconfigSource): Promise<KubeConfig> {
  const { KubeConfig } = await loadLibrary();
  const config = new KubeConfig();
  try {
    if ('file' in source) config.loadFromFile(source.file);
    else config.loadFromString(source.text);
  } catch (error) {
    throw new AirlockError('KUBECONFIG_INVALID', `cannot read the kubeconfig: ${errorText(error)}`, { cause: error });
  }
  if (!config.getCurrentCluster())
    throw new AirlockError('KUBECONFIG_INVALID', 'the kubeconfig names no cluster for its current context');
  return config;
}

function createClient(api: KubernetesObjectApi, strategies: typeof PatchStrategy): ClusterClient {
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
        await call(ref, run, () =>
          api.patch(sent, undefined, dryRun ? 'All' : undefined, fieldManager, force, strategies.ServerSideApply),
        ),
      );
    },
    async mergePatch(ref, patch, run) {
      const body = { ...patch, ...header(ref), metadata: { ...asRecord(patch['metadata']), ...header(ref).metadata } };
      return toObject(
        await call(ref, run, () =>
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

class NotThere extends Error {}

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

async function call<T>(ref: ObjectRef, run: Run, ask: () => Promise<T>): Promise<T> {
  if (run.signal.aborted) throw cancellation(run.signal);
  // The library takes no signal here; a call that is under way is left to end by itself.
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(cancellation(run.signal));
    run.signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([ask(), aborted]);
  } catch (error) {
    throw translate(error, ref);
  } finally {
    if (abort) run.signal.removeEventListener('abort', abort);
  }
}

interface StatusBody {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: readonly { readonly message?: string; readonly field?: string }[] };
}

function translate(error: unknown, ref: ObjectRef): unknown {
  const what = describeRef(ref);
  if (error instanceof AirlockError) return error;
  if (!isAnswer(error)) {
    const text = errorText(error);
    // How the library says that discovery has no such kind.
    if (/Unrecognized API version and kind/.test(text)) return kindUnknown(ref);
    return new AirlockError('CLUSTER_UNREACHABLE', `the API server did not answer for ${what}: ${text}`, {
      hint: 'check the address in the kubeconfig, the network and the firewall',
      cause: error,
    });
  }
  const body = readBody(error.body);
  const message = body.message ?? `HTTP ${error.code}`;
  switch (error.code) {
    case 404:
      // Discovery of an unknown group answers 404 too, without naming an object.
      return body.reason === 'NotFound' && body.details !== undefined ? new NotThere(message) : kindUnknown(ref);
    case 401:
    case 403:
      return new AirlockError('CLUSTER_REFUSED', `the API server refuses ${what}: ${message}`, {
        hint: 'use a kubeconfig with administrator rights',
      });
    case 409:
      return conflict(what, message, body);
    case 400:
    case 422:
      return new AirlockError('OBJECT_INVALID', `${what} is refused: ${message}`, {
        details: { causes: body.details?.causes ?? [] },
      });
    default:
      // Older servers answer 500 when server-side apply cannot fit an object to its schema.
      if (/typed patch object/.test(message))
        return new AirlockError('OBJECT_INVALID', `${what} is refused: ${message}`);
      return new AirlockError('CLUSTER_UNREACHABLE', `the API server failed for ${what}: ${message}`, { cause: error });
  }
}

/** The library's ApiException: what the server answered, as opposed to no answer. */
function isAnswer(error: unknown): error is Error & { readonly code: number; readonly body: unknown } {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'body' in error;
}

/** Names every field with its owner: the server's own sentence leaves the owners out when there are several fields. */
function conflict(what: string, message: string, body: StatusBody): AirlockError {
  const conflicts = (body.details?.causes ?? []).map((cause) => ({ field: cause.field, owner: cause.message }));
  const list = conflicts.map(({ field, owner }) => `${field ?? 'a field'} (${owner ?? 'owner not told'})`);
  const text = list.length > 0 ? `fields belong to others: ${list.join(', ')}` : message;
  return new AirlockError('FIELD_CONFLICT', `${what}: ${text}`, {
    hint: 'leave the fields to their owner, or take them with --force-conflicts',
    details: { conflicts },
  });
}

function kindUnknown(ref: ObjectRef): AirlockError {
  return new AirlockError('CLUSTER_KIND_UNKNOWN', `the cluster does not serve ${ref.kind} of ${ref.apiVersion}`, {
    hint: 'its operator is not installed yet, or older than what the object is for',
  });
}

/** Error bodies come as JSON text, as an object, or not at all. */
function readBody(body: unknown): StatusBody {
  if (typeof body === 'object' && body !== null) return body;
  try {
    return JSON.parse(String(body)) as StatusBody;
  } catch {
    return {};
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
