import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const made = new Map<string, Promise<{ key: string; cert: string }>>();

/** A self-signed certificate and its key (PEM), by openssl; the same names give the same pair within a test file. */
export function makeCertificate(names: readonly string[] = ['IP:127.0.0.1', 'IP:::1', 'DNS:localhost']) {
  const key = names.join(',');
  const pair = made.get(key) ?? generate(names);
  made.set(key, pair);
  return pair;
}

async function generate(names: readonly string[]): Promise<{ key: string; cert: string }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'airlock-cert-'));
  try {
    const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const what = ['-days', '2', '-subj', '/CN=kitchen', '-addext', `subjectAltName=${names.join(',')}`];
    await promisify(execFile)('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...what]);
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
