import tls from 'node:tls';
import { AirlockError, errorText } from './errors.ts';
import { findFile, readFileLimited } from './files.ts';
import type { Run } from './run.ts';

/** Which certificate authorities are trusted beside those that Node.js brings. */
export interface TrustOptions {
  /** PEM texts. */
  readonly caPem?: readonly string[];
  /** PEM files; each must be readable. */
  readonly caFiles?: readonly string[];
  /** SSL_CERT_FILE: read instead of the system's own file; must be readable. */
  readonly systemCaFile?: string;
  /** False leaves out the system's and Node's own authorities: only the given ones count. Default true. */
  readonly trustSystem?: boolean;
}

/** How TLS is done with one host, on top of the client's own settings. Compared by identity: keep the object. */
export interface HostTls {
  /** Any certificate is accepted. */
  readonly insecure?: boolean;
  /** Authorities trusted for this host besides the client's. */
  readonly caPem?: readonly string[];
  /** Client certificate and its key. */
  readonly certPem?: string;
  readonly keyPem?: string;
}

// Where distributions keep the bundle: Fedora and RHEL, Debian, SUSE, Alpine and others. The first that exists counts.
const systemFiles = [
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Reads all trusted authorities. @throws AirlockError FILE_NOT_FOUND, FILE_UNREADABLE, HTTP_CA_INVALID */
export async function readTrust(options: TrustOptions, run: Run): Promise<string[]> {
  const own = [...(options.caPem ?? [])];
  for (const file of options.caFiles ?? []) own.push(assertCertificates(await readText(file, run), file));
  if (options.trustSystem === false) return own;
  if (options.systemCaFile) return [...own, await readText(options.systemCaFile, run), ...tls.rootCertificates];
  for (const file of systemFiles) {
    const content = await findFile(file, run).catch(() => undefined);
    if (content) return [...own, content.toString('utf8'), ...tls.rootCertificates];
  }
  return [...own, ...tls.rootCertificates];
}

/** A TLS context to be shared by all connections of one trust: parsing some 300 certificates per connection costs 20 ms each. */
export function createTlsContext(trusted: readonly string[], host: HostTls): tls.SecureContext {
  try {
    return tls.createSecureContext({
      ca: [...trusted, ...(host.caPem ?? [])],
      ...(host.certPem === undefined ? {} : { cert: host.certPem }),
      ...(host.keyPem === undefined ? {} : { key: host.keyPem }),
    });
  } catch (error) {
    throw new AirlockError('HTTP_CA_INVALID', `a CA or client certificate cannot be used: ${errorText(error)}`, {
      cause: error,
    });
  }
}

async function readText(file: string, run: Run): Promise<string> {
  return (await readFileLimited(file, run)).toString('utf8');
}

function assertCertificates(text: string, file: string): string {
  if (text.includes('-----BEGIN CERTIFICATE-----') || text.includes('-----BEGIN TRUSTED CERTIFICATE-----')) return text;
  throw new AirlockError('HTTP_CA_INVALID', `${file} holds no PEM certificate`, {
    hint: 'a DER file is turned into PEM by: openssl x509 -inform der -in FILE -out FILE.pem',
  });
}
