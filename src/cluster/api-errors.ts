import { AirlockError, errorText, findErrno } from '../core/errors.ts';
import { isCertificateCode } from '../core/http-errors.ts';
import { describeRef, type ObjectRef } from './types.ts';

/** The API server knows no object of that name; whether that is a fault is for the caller to say. */
export class NotThere extends Error {}

/** What a write means to whom the answer is that something is not there: mostly the namespace, which an operator or an earlier stage makes. */
export function missingTarget(missing: NotThere, ref: ObjectRef): AirlockError {
  const what = describeRef(ref);
  if (!/^namespaces? /.test(missing.message))
    return new AirlockError('CLUSTER_TARGET_MISSING', `${what} is not in the cluster any more`, {
      hint: 'somebody deleted it meanwhile: look at what is there, then run the same command again',
    });
  return new AirlockError('CLUSTER_TARGET_MISSING', `the cluster has no namespace ${ref.namespace}`, {
    hint: `${what} goes there: an operator or an earlier stage makes it, which --no-wait and --stage do not wait for`,
  });
}

interface StatusBody {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: readonly { readonly message?: string; readonly field?: string }[] };
}

/**
 * What a failed question to the API server at `server` (its URL) means: `NotThere`, or an AirlockError CLUSTER_UNREACHABLE, CLUSTER_REFUSED,
 * CLUSTER_KIND_UNKNOWN, OBJECT_INVALID, FIELD_CONFLICT. AirlockErrors come back unchanged.
 */
export function apiError(error: unknown, ref: ObjectRef, server: string): unknown {
  const what = describeRef(ref);
  if (error instanceof AirlockError) return error;
  if (!isAnswer(error)) return noAnswer(error, ref, server);
  const body = readBody(error.body);
  const message = body.message ?? `HTTP ${error.code}`;
  switch (error.code) {
    case 404:
      // Discovery of an unknown group answers 404 too, without naming an object.
      return body.reason === 'NotFound' && body.details !== undefined ? new NotThere(message) : kindUnknown(ref);
    case 401:
      return new AirlockError('CLUSTER_REFUSED', `the API server ${server} does not know who asks: ${message}`, {
        hint: 'the token or certificate in the kubeconfig has expired, or is of another cluster: log in again',
      });
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

function noAnswer(error: unknown, ref: ObjectRef, server: string): AirlockError {
  const text = errorText(error);
  // How the library says that discovery has no such kind.
  if (/Unrecognized API version and kind/.test(text)) return kindUnknown(ref);
  // The library puts before the cause what it looked for, and the whole URL.
  const reason = text
    .replace(/^Failed to fetch resource metadata for \S+: /, '')
    .replace(/^request to .* reason: /, '');
  return new AirlockError(
    'CLUSTER_UNREACHABLE',
    `the API server ${server} did not answer for ${describeRef(ref)}: ${reason}`,
    { hint: nextStep(error, server), cause: error },
  );
}

function nextStep(error: unknown, server: string): string {
  const code = codeOf(error);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `this host has to resolve ${new URL(server).hostname}: look at its /etc/resolv.conf and the zones of the site`;
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return "look at the clock of this host, then renew the API server's certificate";
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'write a name or address that the certificate has as server into the kubeconfig';
  if (isCertificateCode(code)) return 'certificate-authority of the kubeconfig has to be the CA of this API server';
  return 'check the address in the kubeconfig, the network and the firewall';
}

/** The library's own errors hold the code of the socket without a cause. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : (findErrno(error) ?? '');
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
  // Every OpenShift cluster has this group from its first minute.
  const hint = ref.apiVersion.startsWith('config.openshift.io/')
    ? 'this is no OpenShift cluster, or one older than 4.13: look where the kubeconfig points'
    : 'its operator is not installed yet, or older than what the object is for';
  return new AirlockError('CLUSTER_KIND_UNKNOWN', `the cluster does not serve ${ref.kind} of ${ref.apiVersion}`, {
    hint,
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
