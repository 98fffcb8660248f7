import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { type CheckClients, type CheckInput, createCheckRequest } from '../../src/check/index.ts';
import { AirlockError } from '../../src/core/errors.ts';
import { digestOf, mediaTypes, parseReference } from '../../src/oci/index.ts';

/** A certificate authority and a server certificate for `names`, made by openssl. */
export function makeCertificates(names: readonly string[], days = 90): { ca: string; cert: string; key: string } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'airlock-test-check-'));
  const file = (name: string): string => path.join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { stdio: 'ignore', cwd: folder });
  };
  try {
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=kitchen CA',
      '-days',
      '365',
    );
    const san = names.length > 0 ? ['-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`] : [];
    openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'leaf.key',
      '-out',
      'leaf.csr',
      '-subj',
      '/CN=registry.kitchen.example',
      ...san,
    );
    openssl(
      'x509',
      '-req',
      '-in',
      'leaf.csr',
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      String(days),
      '-out',
      'leaf.pem',
      '-copy_extensions',
      'copy',
    );
    return {
      ca: readFileSync(file('ca.pem'), 'utf8'),
      cert: readFileSync(file('leaf.pem'), 'utf8'),
      key: readFileSync(file('leaf.key'), 'utf8'),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const layer = Buffer.from('a layer');
const config = Buffer.from('{}');
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: layer.length }],
  }),
);
/** The image that the site's registry holds. */
export const imageDigest = digestOf(manifest);
export const layerDigest = digestOf(layer);
/** The file that its web server holds. */
export const iso = Buffer.alloc(1000, 'iso');

/** What a test may spoil. */
export interface SiteOptions {
  readonly names?: readonly string[];
  readonly days?: number;
  readonly missingBlobs?: readonly string[];
  readonly missingManifest?: boolean;
  readonly password?: string;
  readonly iso?: Buffer;
  readonly ranges?: boolean;
}

/** One HTTPS server on loopback that is registry and web server of a site; input and clients that find it all right. */
export async function startSite(options: SiteOptions = {}): Promise<{ input: CheckInput; clients: CheckClients }> {
  const host = 'registry.kitchen.example';
  const { ca, cert, key } = makeCertificates(options.names ?? [host], options.days);
  const authorization = `Basic ${Buffer.from(`cook:${options.password ?? 'salt'}`).toString('base64')}`;
  const file = options.iso ?? iso;
  const server = https.createServer({ cert, key }, (request, response) => {
    if (request.url === '/v2/') {
      const allowed = request.headers.authorization === authorization;
      response.writeHead(allowed ? 200 : 401, { 'www-authenticate': 'Basic realm="kitchen"' }).end();
    } else if (request.url === '/live.iso') {
      const part = options.ranges !== false && request.headers.range !== undefined;
      const body = part ? file.subarray(0, 1) : file;
      response.writeHead(part ? 206 : 200, { 'content-length': body.length });
      response.end(request.method === 'HEAD' ? undefined : body);
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const lookup: CheckClients['lookup'] = async (name, family) => (name === host && family === 4 ? ['127.0.0.1'] : []);
  const registry = `${host}:${port}`;
  const auth = Buffer.from('cook:salt').toString('base64');
  return {
    input: {
      registry: { host, port, tls: true },
      services: [],
      names: [{ name: host, addresses: ['127.0.0.1'] }],
      pointers: [{ name: '1.0.0.127.in-addr.arpa', values: [host] }],
      unwantedNames: ['quay.io'],
      caPem: ca,
      pullSecret: JSON.stringify({ auths: { [registry]: { auth } } }),
      images: [{ reference: `quay.io/kitchen/pan@${imageDigest}`, digest: imageDigest }],
      files: [
        {
          url: `https://${host}:${port}/live.iso`,
          sizeBytes: iso.length,
          sha256: digestOf(iso).slice('sha256:'.length),
        },
      ],
    },
    clients: {
      resolvers: [{ address: '127.0.0.1:53', lookup, lookupPointer: async () => [host] }],
      lookup,
      mapReference: (reference) => [parseReference(`${registry}/mirror/pan@${reference.digest}`), reference],
      registry: {
        fetchManifest: async () => {
          if (options.missingManifest) throw new AirlockError('MANIFEST_UNKNOWN', 'manifest unknown');
          return { bytes: manifest, mediaType: mediaTypes.ociManifest, digest: imageDigest };
        },
        hasBlob: async (_, blob) => !(options.missingBlobs ?? []).includes(blob.digest),
      },
      request: createCheckRequest({ lookup, caPem: ca }),
    },
  };
}
