import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

/** PEM. */
export interface TestCertificate {
  readonly key: string;
  readonly cert: string;
}

const made = new Map<string, TestCertificate>();

/** A self-signed certificate, which is its own CA, and its key; the same names give the same pair within a test file. */
export async function makeCertificate(
  names: readonly string[] = ['IP:127.0.0.1', 'IP:::1', 'DNS:localhost'],
): Promise<TestCertificate> {
  const key = names.join(',');
  const pair = made.get(key) ?? selfSigned('kitchen', names);
  made.set(key, pair);
  return pair;
}

/** As `makeCertificate`, a new one each time. Made here and not by openssl, which a machine may lack. `names` as openssl writes them: `DNS:…`, `IP:…`. */
export function selfSigned(commonName: string, names: readonly string[] = []): TestCertificate {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(Date.now() - 60_000);
  certificate.validity.notAfter = new Date(Date.now() + 2 * 86_400_000);
  const subject = [{ name: 'commonName', value: commonName }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  const altNames = names.map((name) =>
    name.startsWith('IP:') ? { type: 7, ip: name.slice(3) } : { type: 2, value: name.slice(4) },
  );
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'subjectKeyIdentifier' },
    ...(altNames.length > 0 ? [{ name: 'subjectAltName', altNames }] : []),
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(key) as forge.pki.rsa.PrivateKey, forge.md.sha256.create());
  return { key, cert: forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n') };
}
