import { createHash, randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { digestOf, mediaTypes } from '../../src/oci/index.ts';

/** A request as it came. */
export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** What the server does instead of its duty. */
export type Prank =
  /** Another answer. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string | Buffer;
    }
  /** The right answer's body, cut off by a closed connection. */
  | { readonly kind: 'drop'; readonly afterBytes: number }
  /** The connection is closed before any answer; `afterBytes` of a request body are read before. */
  | { readonly kind: 'hang-up'; readonly afterBytes?: number }
  /** The right answer, late. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** The right answer with its body changed. */
  | {
      readonly kind: 'lie';
      readonly change: (body: Buffer) => Buffer;
      readonly headers?: Record<string, string | undefined>;
    }
  /** A range is answered with 200 and everything. */
  | { readonly kind: 'ignore-range' };

/** Settings of a scripted registry. Without any it is a well-behaved registry in memory. */
export interface RegistryScript {
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly host?: string;
  readonly auth?:
    | { readonly kind: 'basic'; readonly user: string; readonly password: string }
    | { readonly kind: 'bearer'; readonly user?: string; readonly password?: string; readonly refreshToken?: string };
  /** Larger request bodies get 413. */
  readonly bodyLimitBytes?: number;
  /** Takes a blob with the POST that starts its upload. */
  readonly singlePost?: boolean;
  readonly pageSize?: number;
  readonly referrersApi?: boolean;
  /** Asked for every request before anything else; `nth` counts requests of the same method and path from 1. */
  readonly prank?: (request: SeenRequest, nth: number) => Prank | undefined;
}

export interface ScriptedRegistry {
  /** `host:port`. */
  readonly host: string;
  readonly url: string;
  readonly requests: SeenRequest[];
  /** Digest → bytes, per repository. */
  readonly blobs: Map<string, Map<string, Buffer>>;
  /** Tag or digest → manifest, per repository. */
  readonly manifests: Map<string, Map<string, { bytes: Buffer; mediaType: string }>>;
  putBlob(repository: string, bytes: Buffer): { mediaType: string; digest: ReturnType<typeof digestOf>; size: number };
  putManifest(
    repository: string,
    manifest: object,
    tag?: string,
  ): { mediaType: string; digest: ReturnType<typeof digestOf>; size: number };
  /** Takes back all tokens given out. */
  revokeTokens(): void;
  /** Breaks all connections. */
  closeConnections(): void;
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** Starts a registry that misbehaves as told; it ends with the test. */
export async function startScriptedRegistry(script: RegistryScript = {}): Promise<ScriptedRegistry> {
  const blobs: ScriptedRegistry['blobs'] = new Map();
  const manifests: ScriptedRegistry['manifests'] = new Map();
  const uploads = new Map<string, Buffer>();
  const tokens = new Set<string>();
  const requests: SeenRequest[] = [];
  const counts = new Map<string, number>();
  const inner = <V>(map: Map<string, Map<string, V>>, key: string): Map<string, V> => {
    const found = map.get(key) ?? new Map<string, V>();
    map.set(key, found);
    return found;
  };
  const error = (status: number, code: string): Answer =>
    json(status, { errors: [{ code, message: `${code} by script` }] });

  const authorized = (request: http.IncomingMessage): boolean => {
    const header = request.headers.authorization ?? '';
    if (!script.auth) return true;
    if (script.auth.kind === 'basic') return header === basic(script.auth.user, script.auth.password);
    return header.startsWith('Bearer ') && tokens.has(header.slice(7));
  };

  const token = (url: URL, request: http.IncomingMessage, body: Buffer): Answer => {
    const auth = script.auth;
    if (auth?.kind !== 'bearer') return error(404, 'NONE');
    if (request.method === 'POST' && new URLSearchParams(body.toString()).get('refresh_token') !== auth.refreshToken)
      return error(401, 'DENIED');
    if (
      request.method === 'GET' &&
      auth.user !== undefined &&
      request.headers.authorization !== basic(auth.user, auth.password ?? '')
    )
      return error(401, 'UNAUTHORIZED');
    const given = `${randomUUID()}.${url.searchParams.getAll('scope').length}`;
    tokens.add(given);
    return json(200, request.method === 'POST' ? { access_token: given } : { token: given, expires_in: 300 });
  };

  const duty = (request: http.IncomingMessage, body: Buffer, url: URL): Answer => {
    if (url.pathname === '/token') return token(url, request, body);
    if (!authorized(request)) {
      const challenge =
        script.auth?.kind === 'basic'
          ? 'Basic realm="kitchen"'
          : `Bearer realm="${origin()}/token",service="kitchen",scope="${scopeOf(url)}"`;
      const answer = error(401, 'UNAUTHORIZED');
      answer.headers['www-authenticate'] = challenge;
      return answer;
    }
    if (url.pathname === '/v2/') return json(200, {});
    if (script.bodyLimitBytes !== undefined && body.length > script.bodyLimitBytes)
      return { status: 413, headers: {}, body: Buffer.from('too large') };
    const upload = /^\/v2\/(.+)\/blobs\/uploads\/(.*)$/.exec(url.pathname);
    if (upload) return uploadDuty(request, body, url, upload[1] ?? '', upload[2] ?? '');
    const part = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^/]+)$/.exec(url.pathname);
    const [, name = '', kind = '', reference = ''] = part ?? [];
    if (kind === 'blobs') return blobDuty(request, inner(blobs, name).get(reference), reference);
    if (kind === 'manifests') return manifestDuty(request, body, name, reference);
    if (kind === 'tags') return tagsDuty(name, url);
    if (kind === 'referrers' && script.referrersApi) return referrersDuty(name, reference);
    return error(404, 'NOT_FOUND');
  };

  const uploadDuty = (request: http.IncomingMessage, body: Buffer, url: URL, name: string, id: string): Answer => {
    const { method = '' } = request;
    if (method === 'POST') {
      const [mount, from] = [url.searchParams.get('mount'), url.searchParams.get('from')];
      const held = mount && from ? inner(blobs, from).get(mount) : undefined;
      if (mount && held) {
        inner(blobs, name).set(mount, held);
        return { status: 201, headers: { location: `/v2/${name}/blobs/${mount}` }, body: Buffer.alloc(0) };
      }
      const single = url.searchParams.get('digest');
      if (script.singlePost && single === digestOf(body)) {
        inner(blobs, name).set(single, body);
        return { status: 201, headers: { location: `/v2/${name}/blobs/${single}` }, body: Buffer.alloc(0) };
      }
      const fresh = randomUUID();
      uploads.set(fresh, Buffer.alloc(0));
      return {
        status: 202,
        headers: { location: `/v2/${name}/blobs/uploads/${fresh}?state=a`, range: '0-0' },
        body: Buffer.alloc(0),
      };
    }
    const held = uploads.get(id);
    if (!held) return error(404, 'BLOB_UPLOAD_UNKNOWN');
    const whole = Buffer.concat([held, body]);
    const headers = {
      location: `/v2/${name}/blobs/uploads/${id}?state=${whole.length}`,
      range: `0-${Math.max(0, whole.length - 1)}`,
    };
    if (method === 'GET') return { status: 204, headers, body: Buffer.alloc(0) };
    if (method === 'DELETE')
      return uploads.delete(id)
        ? { status: 204, headers: {}, body: Buffer.alloc(0) }
        : error(404, 'BLOB_UPLOAD_UNKNOWN');
    const start = /^(\d+)-/.exec(request.headers['content-range'] ?? '')?.[1];
    if (start !== undefined && Number(start) !== held.length) return error(416, 'RANGE');
    if (method === 'PATCH') {
      uploads.set(id, whole);
      return { status: 202, headers, body: Buffer.alloc(0) };
    }
    const digest = url.searchParams.get('digest') ?? '';
    if (digestOf(whole, digest.startsWith('sha512') ? 'sha512' : 'sha256') !== digest)
      return error(400, 'DIGEST_INVALID');
    uploads.delete(id);
    inner(blobs, name).set(digest, whole);
    return {
      status: 201,
      headers: { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest },
      body: Buffer.alloc(0),
    };
  };

  const blobDuty = (request: http.IncomingMessage, held: Buffer | undefined, digest: string): Answer => {
    if (!held) return error(404, 'BLOB_UNKNOWN');
    const headers: Record<string, string> = {
      'docker-content-digest': digest,
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
    };
    const start = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    if (start === undefined) return { status: 200, headers, body: held };
    headers['content-range'] = `bytes ${start}-${held.length - 1}/${held.length}`;
    return { status: 206, headers, body: held.subarray(Number(start)) };
  };

  const manifestDuty = (request: http.IncomingMessage, body: Buffer, name: string, reference: string): Answer => {
    const known = inner(manifests, name);
    if (request.method === 'PUT') {
      const digest = digestOf(body);
      const item = { bytes: body, mediaType: request.headers['content-type'] ?? '' };
      known.set(reference, item);
      known.set(digest, item);
      const parsed: unknown = JSON.parse(body.toString());
      const subject =
        script.referrersApi && parsed !== null && typeof parsed === 'object' && 'subject' in parsed
          ? { 'oci-subject': 'yes' }
          : {};
      return { status: 201, headers: { 'docker-content-digest': digest, ...subject }, body: Buffer.alloc(0) };
    }
    const item = known.get(reference);
    if (!item) return error(404, 'MANIFEST_UNKNOWN');
    if (request.method === 'DELETE') {
      const digest = digestOf(item.bytes);
      for (const [key, value] of known) if (digestOf(value.bytes) === digest) known.delete(key);
      return { status: 202, headers: {}, body: Buffer.alloc(0) };
    }
    return {
      status: 200,
      headers: { 'content-type': item.mediaType, 'docker-content-digest': digestOf(item.bytes) },
      body: item.bytes,
    };
  };

  const tagsDuty = (name: string, url: URL): Answer => {
    const known = manifests.get(name);
    if (!known) return error(404, 'NAME_UNKNOWN');
    const all = [...known.keys()].filter((key) => !key.includes(':')).sort();
    const last = url.searchParams.get('last') ?? '';
    const page = all.filter((tag) => tag > last).slice(0, script.pageSize ?? 1000);
    const answer = json(200, { name, tags: page });
    if (page.at(-1) !== all.at(-1))
      answer.headers['link'] = `</v2/${name}/tags/list?n=1000&last=${page.at(-1)}>; rel="next"`;
    return answer;
  };

  const referrersDuty = (name: string, subject: string): Answer => {
    const found = [...inner(manifests, name).entries()].flatMap(([key, item]) => {
      const parsed = JSON.parse(item.bytes.toString()) as { subject?: { digest: string }; artifactType?: string };
      if (!key.includes(':') || parsed.subject?.digest !== subject) return [];
      return [{ mediaType: item.mediaType, digest: key, size: item.bytes.length, artifactType: parsed.artifactType }];
    });
    const answer = json(200, { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: found });
    answer.headers['content-type'] = mediaTypes.ociIndex;
    return answer;
  };

  const handle = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers };
    requests.push(seen);
    const key = `${seen.method} ${seen.url.split('?')[0]}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const prank = script.prank?.(seen, counts.get(key) ?? 1);
    if (prank?.kind === 'hang-up') {
      hangUp(request, prank.afterBytes);
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      const answer = perform(prank, request, Buffer.concat(chunks));
      const delayMs = prank?.kind === 'delay' ? prank.delayMs : 0;
      if (delayMs > 0) setTimeout(() => send(response, request, answer, prank), delayMs);
      else send(response, request, answer, prank);
    });
    // What a broken upload brought is kept, as distribution does.
    request.on('aborted', () => keepPartial(request, Buffer.concat(chunks)));
  };

  const hangUp = (request: http.IncomingMessage, afterBytes = 0): void => {
    const chunks: Buffer[] = [];
    let length = 0;
    const end = (): void => {
      keepPartial(request, Buffer.concat(chunks).subarray(0, afterBytes));
      request.socket.destroy();
    };
    if (afterBytes === 0) {
      end();
      return;
    }
    request.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= afterBytes) end();
    });
  };

  const keepPartial = (request: http.IncomingMessage, bytes: Buffer): void => {
    const id = /\/blobs\/uploads\/([^?]+)/.exec(request.url ?? '')?.[1];
    const held = id ? uploads.get(id) : undefined;
    if (id && held) uploads.set(id, Buffer.concat([held, bytes]));
  };

  const perform = (prank: Prank | undefined, request: http.IncomingMessage, body: Buffer): Answer => {
    if (prank?.kind === 'answer')
      return { status: prank.status, headers: { ...prank.headers }, body: Buffer.from(prank.body ?? '') };
    if (prank?.kind === 'ignore-range') delete request.headers.range;
    const answer = duty(request, body, new URL(request.url ?? '', origin()));
    return prank?.kind === 'lie' ? { ...answer, body: prank.change(answer.body) } : answer;
  };

  const send = (
    response: http.ServerResponse,
    request: http.IncomingMessage,
    answer: Answer,
    prank: Prank | undefined,
  ): void => {
    response.statusCode = answer.status;
    for (const [name, value] of Object.entries({
      'content-length': String(answer.body.length),
      ...answer.headers,
      ...(prank?.kind === 'lie' ? prank.headers : {}),
    }))
      if (value !== undefined) response.setHeader(name, value);
    if (request.method === 'HEAD') response.end();
    else if (prank?.kind === 'drop')
      response.write(answer.body.subarray(0, prank.afterBytes), () => setImmediate(() => request.socket.destroy()));
    else response.end(answer.body);
  };

  const server = script.tls ? https.createServer(script.tls, handle) : http.createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, script.host ?? '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const address = server.address() as AddressInfo;
  const host = `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  const origin = (): string => `${script.tls ? 'https' : 'http'}://${host}`;
  return {
    host,
    url: origin(),
    requests,
    blobs,
    manifests,
    putBlob(repository, bytes) {
      const digest = digestOf(bytes);
      inner(blobs, repository).set(digest, bytes);
      return { mediaType: mediaTypes.ociLayerGzip, digest, size: bytes.length };
    },
    putManifest(repository, manifest, tag) {
      const bytes = Buffer.from(JSON.stringify(manifest));
      const mediaType =
        'mediaType' in manifest && typeof manifest.mediaType === 'string' ? manifest.mediaType : mediaTypes.ociManifest;
      const digest = digestOf(bytes);
      inner(manifests, repository).set(digest, { bytes, mediaType });
      if (tag !== undefined) inner(manifests, repository).set(tag, { bytes, mediaType });
      return { mediaType, digest, size: bytes.length };
    },
    revokeTokens: () => tokens.clear(),
    closeConnections: () => server.closeAllConnections(),
  };
}

/** Bytes that look random and are the same for the same seed. */
export function seededBytes(seed: string, sizeBytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, block = createHash('sha512').update(seed).digest(); at < sizeBytes; at += block.length) {
    parts.push(block);
    block = createHash('sha512').update(block).digest();
  }
  return Buffer.concat(parts).subarray(0, sizeBytes);
}

function json(status: number, value: unknown): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) };
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function scopeOf(url: URL): string {
  const name = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(url.pathname)?.[1];
  return name ? `repository:${name}:pull` : '';
}
