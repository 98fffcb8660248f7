import { createCertificateAuthority, type KeyAndCertificate } from '../../src/certs/index.ts';

/** The moment at which test certificates are made unless a test says otherwise. */
export const now = new Date('2031-03-04T05:06:07Z');

/** A small CA: 2048 bits, so that a test takes tenths of seconds. */
export function testAuthority(commonName = 'Kitchen CA', at = now, validityDays = 3650): Promise<KeyAndCertificate> {
  return createCertificateAuthority({ commonName, validityDays, now: at, keyBits: 2048 });
}
