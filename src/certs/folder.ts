import path from 'node:path';
import { writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';

/** The files of a certificate folder. Keys have mode 0600. */
export interface CertificatePaths {
  readonly folder: string;
  /** The CA that signs now; absent when the user brings one. */
  readonly ca: string;
  readonly caKey: string;
  /** What clients trust: the CA, and during a CA change the other one too. */
  readonly trust: string;
  /** The server certificate and intermediates. */
  readonly certificate: string;
  readonly key: string;
  /** A key whose signing request is under way. */
  readonly requestKey: string;
  readonly request: string;
  /** Of a CA change: the CA to come, and the one that goes. */
  readonly nextCa: string;
  readonly nextCaKey: string;
  readonly previousCa: string;
  readonly previousCaKey: string;
}

/** Where the files of a certificate folder lie. */
export function certificatePaths(folder: string): CertificatePaths {
  const at = (name: string): string => path.join(folder, name);
  return {
    folder,
    ca: at('ca.crt'),
    caKey: at('ca.key'),
    trust: at('trust.crt'),
    certificate: at('server.crt'),
    key: at('server.key'),
    requestKey: at('request.key'),
    request: at('request.csr'),
    nextCa: at('ca.next.crt'),
    nextCaKey: at('ca.next.key'),
    previousCa: at('ca.previous.crt'),
    previousCaKey: at('ca.previous.key'),
  };
}

/** Writes key, then certificate: a crash between the two is seen by the next run as a pair that does not belong together. */
export async function writeServerFiles(
  paths: CertificatePaths,
  certificatePem: string,
  keyPem: string,
  run: Run,
): Promise<void> {
  await writeFileAtomic(paths.key, keyPem, run, 0o600);
  await writeFileAtomic(paths.certificate, certificatePem, run);
}
