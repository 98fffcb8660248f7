import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A CA and a leaf made with openssl in `folder`, for the loopback addresses and `names`. */
export function makeCertificate(folder: string, names: readonly string[], label = 'site') {
  const at = (name: string): string => path.join(folder, `${label}-${name}`);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
  const san = ['IP:127.0.0.1', 'IP:::1', ...names.map((name) => `DNS:${name}`)].join(',');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
    '-subj',
    `/CN=${label} CA`,
    '-days',
    '9',
  );
  openssl(
    ...['req', '-x509', ...key, '-keyout', at('tls.key'), '-out', at('tls.crt'), '-subj', `/CN=${label}`, '-days', '9'],
    ...['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-addext', `subjectAltName=${san}`],
    ...['-addext', 'basicConstraints=critical,CA:FALSE'],
  );
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  return { ca: read('ca.crt'), caFile: at('ca.crt'), certificate: read('tls.crt'), key: read('tls.key') };
}
