import type { CertificateDescription } from './describe.ts';
import type { CertificatePaths } from './folder.ts';

/** What a site asks of its certificates. */
export interface EnsureOptions {
  /** Where they live; made with mode 0700. */
  readonly folder: string;
  /** Every host name under which a service answers; the first becomes the common name. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  /** The site CA's common name, for example `Airlock site CA lab`. */
  readonly authorityName: string;
  /** Of the server certificate; default 825. */
  readonly validityDays?: number;
  /** Of a site CA that is made here; default 3650. */
  readonly authorityValidityDays?: number;
  /** Renewed when fewer days are left; default 30. */
  readonly renewBeforeDays?: number;
  /** Issues a new server certificate even when the present one fits. */
  readonly renew?: boolean;
  /** A CA of the user's: the issuing certificate first, then its issuers. Without a key, signed certificates have to be imported. */
  readonly authority?: { readonly certificateFile: string; readonly keyFile?: string };
  /** A server certificate of the user's: leaf first, then intermediates, and its key. */
  readonly leaf?: { readonly certificateFile: string; readonly keyFile: string };
  readonly keyBits?: { readonly authority?: number; readonly leaf?: number };
}

/** Certificates that are ready to serve. */
export interface SiteCertificates {
  /** What every client has to trust: the CA and, during a CA change, the other one too. */
  readonly caPem: string;
  /** The server certificate, then intermediates. */
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly paths: CertificatePaths;
  readonly ca: CertificateDescription;
  readonly leaf: CertificateDescription;
  /** Whether anything on disk was changed. */
  readonly changed: boolean;
  /** Why the server certificate was issued anew, in a few lower-case words; undefined when it was left alone. */
  readonly reason: string | undefined;
}
