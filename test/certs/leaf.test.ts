import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  createCertificateAuthority,
  describeCertificate,
  findMissingSans,
  importAuthority,
  issueLeaf,
  type KeyAndCertificate,
  leafMatches,
  needsRenewal,
} from '../../src/certs/index.ts';
import { now, testAuthority } from './pki.ts';

let ca: KeyAndCertificate;
beforeAll(async () => {
  ca = await testAuthority();
});

describe('createCertificateAuthority', () => {
  test('makes a self-signed root with 4096 bits by default', async () => {
    const made = await createCertificateAuthority({
      commonName: 'Küche "CA", *',
      organization: 'Ärzte & Co',
      validityDays: 3650,
      now,
    });
    expect(describeCertificate(made.certificatePem)).toMatchObject({
      subject: 'O=Ärzte & Co, CN=Küche \\"CA\\"\\, *',
      isCa: true,
      selfSigned: true,
      key: 'rsa 4096',
      notBefore: new Date('2031-03-04T04:06:07Z'),
      notAfter: new Date('2041-03-01T05:06:07Z'),
    });
  });

  test('writes dates after 2049 so that they are read back right', async () => {
    const { notAfter } = describeCertificate(
      (await testAuthority('Long CA', new Date('2049-06-01T00:00:00Z'))).certificatePem,
    );
    expect(notAfter).toEqual(new Date('2059-05-30T00:00:00Z'));
  });
});

describe('issueLeaf', () => {
  const issue = (names: string[], addresses: string[] = [], validityDays = 825) =>
    issueLeaf({ ca, names, addresses, validityDays, now });

  test('carries every name and address, and the first name as common name', async () => {
    const leaf = await issue(
      ['registry.kitchen.example', 'registry', '*.apps.kitchen.example'],
      ['192.0.2.1', '2001:db8::1'],
    );
    expect(describeCertificate(leaf.certificatePem)).toMatchObject({
      subject: 'O=Airlock, CN=registry.kitchen.example',
      issuer: 'CN=Kitchen CA',
      names: ['*.apps.kitchen.example', 'registry', 'registry.kitchen.example'],
      addresses: ['192.0.2.1', '2001:db8::1'],
      isCa: false,
      key: 'rsa 2048',
    });
    const certificate = new X509Certificate(leaf.certificatePem);
    expect(certificate.verify(new X509Certificate(ca.certificatePem).publicKey)).toBe(true);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });

  test('never outlives its CA', async () => {
    const leaf = describeCertificate((await issue(['web'], [], 36500)).certificatePem);
    expect(leaf.notAfter).toEqual(describeCertificate(ca.certificatePem).notAfter);
  });

  test('takes another name as common name when the first has more than 64 characters', async () => {
    const long = `${'a'.repeat(60)}.kitchen.example`;
    expect(describeCertificate((await issue([long, 'web'])).certificatePem)).toMatchObject({
      subject: 'O=Airlock, CN=web',
      names: [long, 'web'],
    });
  });

  test('gives positive serials of at most 20 bytes, no two alike', async () => {
    const { keyPem } = await issue(['web']);
    const serials = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const leaf = await issueLeaf({ ca, names: ['web'], addresses: [], validityDays: 1, now, keyPem });
        return describeCertificate(leaf.certificatePem).serial;
      }),
    );
    expect(new Set(serials).size).toBe(20);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test('refuses to make one without any name', async () => {
    await expect(issue([])).rejects.toMatchObject({ code: 'SAN_INVALID' });
  });
});

describe('leafMatches', () => {
  test('looks at SANs only: a common name covers nothing', async () => {
    // The CA has a common name and no SAN.
    expect(leafMatches(ca.certificatePem, ['Kitchen CA'.replace(' ', '-')], [])).toBe(false);
    expect(findMissingSans(ca.certificatePem, ['web'], ['192.0.2.1'])).toEqual(['web', '192.0.2.1']);
  });
});

describe('needsRenewal', () => {
  const days = (count: number): Date => new Date(now.getTime() + count * 86_400_000);
  test.each([
    ['a long one with 31 days left', 0, 825, 794, false],
    ['a long one with 29 days left', 0, 825, 796, true],
    ['a week-long one after half its life', 0, 7, 3.5, false],
    ['a week-long one after three quarters', 0, 7, 5.25, true],
    ['one that is over', 0, 825, 900, true],
    ['one of the future', 2, 825, 1, true],
  ])('%s', (_, from, to, at, expected) => {
    expect(needsRenewal({ notBefore: days(from), notAfter: days(to) }, days(at))).toBe(expected);
  });
});

describe('importAuthority', () => {
  test('refuses a server certificate, a wrong key, an expired CA and a broken chain', async () => {
    const leaf = await issueLeaf({ ca, names: ['web'], addresses: [], validityDays: 1, now });
    const other = await testAuthority('Harbour CA');
    const late = new Date('2099-01-01T00:00:00Z');
    const cases = [
      ['CA_INVALID', leaf.certificatePem, leaf.keyPem, now],
      ['KEY_MISMATCH', ca.certificatePem, other.keyPem, now],
      ['CA_INVALID', ca.certificatePem, ca.keyPem, late],
      ['CHAIN_BROKEN', ca.certificatePem + other.certificatePem, ca.keyPem, now],
      ['KEY_INVALID', ca.certificatePem, 'no key', now],
      ['CERTIFICATE_INVALID', 'no certificate', ca.keyPem, now],
    ] as const;
    for (const [code, certificate, key, at] of cases)
      expect(() => importAuthority(certificate, key, at)).toThrow(expect.objectContaining({ code }));
  });
});
