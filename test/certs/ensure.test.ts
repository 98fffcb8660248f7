import { execFileSync } from 'node:child_process';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type EnsureOptions, ensureCertificates, issueLeaf } from '../../src/certs/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { now, testAuthority } from './pki.ts';

const names = ['registry.kitchen.example', 'registry', 'web.kitchen.example'];
const addresses = ['192.0.2.1', '2001:db8:10::1'];
const keyBits = { authority: 2048, leaf: 2048 };
const run = quietRun({ now: () => now });

async function options(more: Partial<EnsureOptions> = {}): Promise<EnsureOptions> {
  const folder = path.join(await temporaryFolder(), 'certs');
  return { folder, names, addresses, authorityName: 'Kitchen CA', keyBits, ...more };
}

describe('ensureCertificates', () => {
  test('makes CA and server certificate once and leaves them alone afterwards', async () => {
    const wanted = await options();
    const first = await ensureCertificates(wanted, run);
    expect(first).toMatchObject({ changed: true, reason: 'there was none' });
    const second = await ensureCertificates({ ...wanted, names: names.slice(1) }, run);
    expect(second).toEqual({ ...first, changed: false, reason: undefined });
  });

  test('names the files, and what to do, when somebody put another CA beside the key', async () => {
    const wanted = await options();
    const { paths } = await ensureCertificates(wanted, run);
    const other = await ensureCertificates(await options(), run);
    await writeFile(paths.ca, await readFile(other.paths.ca));
    await expect(ensureCertificates(wanted, run)).rejects.toMatchObject({
      code: 'KEY_MISMATCH',
      message: expect.stringContaining(paths.ca),
      hint: expect.stringContaining('airlock certs restore'),
    });
  });

  test('gives keys mode 0600 and the folder 0700, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const { paths } = await ensureCertificates(await options(), run);
      for (const [file, mode] of [
        [paths.key, 0o600],
        [paths.caKey, 0o600],
        [paths.folder, 0o700],
        [paths.certificate, 0o644],
      ] as const)
        expect((await stat(file)).mode & 0o777).toBe(mode);
    } finally {
      process.umask(before);
    }
  });

  test('issues anew, from the same CA, when a name is missing, the time has come, it is asked to, or the key is another', async () => {
    const wanted = await options();
    const first = await ensureCertificates(wanted, run);
    const more = { ...wanted, names: [...names, 'new.kitchen.example'] };
    const second = await ensureCertificates(more, run);
    expect(second.reason).toBe('it did not cover new.kitchen.example');
    const later = quietRun({ now: () => new Date(now.getTime() + 800 * 86_400_000) });
    const third = await ensureCertificates(more, later);
    expect(third.reason).toMatch(/^it runs out on /);
    const fourth = await ensureCertificates({ ...more, renew: true }, later);
    expect(fourth.reason).toBe('a renewal was asked for');
    await writeFile(fourth.paths.key, first.keyPem);
    const fifth = await ensureCertificates(more, later);
    expect(fifth.reason).toBe('certificate and key do not belong together');
    const serials = [first, second, third, fourth, fifth].map(({ leaf }) => leaf.serial);
    expect(new Set(serials).size).toBe(5);
    expect(new Set([first, second, third, fourth, fifth].map(({ caPem }) => caPem)).size).toBe(1);
  });

  test('does not renew at every start a certificate that ends with its CA', async () => {
    const wanted = await options({ authorityValidityDays: 40, validityDays: 825 });
    await ensureCertificates(wanted, run);
    const later = quietRun({ now: () => new Date(now.getTime() + 35 * 86_400_000) });
    expect((await ensureCertificates(wanted, later)).changed).toBe(false);
  });

  test('refuses to replace a CA whose key is lost', async () => {
    const wanted = await options();
    const { paths } = await ensureCertificates(wanted, run);
    await rm(paths.caKey);
    await expect(ensureCertificates(wanted, run)).rejects.toMatchObject({ code: 'CA_INVALID' });
    expect(await readFile(paths.ca, 'utf8')).toContain('BEGIN CERTIFICATE');
  });

  test('signs with a CA that is given, and anew when another one is given', async () => {
    const folder = await temporaryFolder();
    const save = async (name: string): Promise<{ certificateFile: string; keyFile: string }> => {
      const files = { certificateFile: path.join(folder, `${name}.crt`), keyFile: path.join(folder, `${name}.key`) };
      const ca = await testAuthority(name);
      await writeFile(files.certificateFile, ca.certificatePem);
      await writeFile(files.keyFile, ca.keyPem);
      return files;
    };
    const wanted = await options({ authority: await save('Harbour') });
    const first = await ensureCertificates(wanted, run);
    expect(first.leaf.issuer).toBe('CN=Harbour');
    const second = await ensureCertificates({ ...wanted, authority: await save('Quay') }, run);
    expect(second).toMatchObject({ reason: 'the CA is another one', leaf: { issuer: 'CN=Quay' } });
    expect(second.caPem).not.toContain(first.caPem);
  });

  test('takes a server certificate that is given, and refuses one that does not cover a name', async () => {
    const folder = await temporaryFolder();
    const ca = await testAuthority('Harbour');
    const leaf = await issueLeaf({ ca, names, addresses, validityDays: 90, now });
    const files = { certificateFile: path.join(folder, 'given.crt'), keyFile: path.join(folder, 'given.key') };
    await writeFile(files.certificateFile, leaf.certificatePem + ca.certificatePem);
    await writeFile(files.keyFile, leaf.keyPem);
    const wanted = await options({ leaf: files });
    const made = await ensureCertificates(wanted, run);
    expect(made).toMatchObject({ changed: true, certificatePem: leaf.certificatePem, caPem: ca.certificatePem });
    expect((await ensureCertificates(wanted, run)).changed).toBe(false);
    await expect(ensureCertificates({ ...wanted, names: [...names, 'elsewhere.example'] }, run)).rejects.toMatchObject({
      code: 'SAN_MISSING',
      details: { missing: ['elsewhere.example'] },
    });
    const late = quietRun({ now: () => new Date(now.getTime() + 91 * 86_400_000) });
    await expect(ensureCertificates(wanted, late)).rejects.toMatchObject({ code: 'CERTIFICATE_EXPIRED' });
    await writeFile(files.certificateFile, leaf.certificatePem);
    await expect(ensureCertificates(wanted, run)).rejects.toMatchObject({ code: 'CHAIN_BROKEN' });
  });

  test('leaves no half-written key behind when the disk refuses', async () => {
    const wanted = await options();
    const { paths } = await ensureCertificates(wanted, run);
    const before = await readFile(paths.key, 'utf8');
    const full = Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' });
    const disk = { ...run.disk, rename: () => Promise.reject(full) };
    await expect(ensureCertificates({ ...wanted, renew: true }, { ...run, disk })).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
    expect(await readFile(paths.key, 'utf8')).toBe(before);
    expect((await ensureCertificates(wanted, run)).changed).toBe(false);
  });
});

describeReal('ensureCertificates, by openssl', ['openssl'], () => {
  test('passes openssl verify -x509_strict for every name and address', async () => {
    const folder = await temporaryFolder();
    const made = await ensureCertificates({ folder, names, addresses, authorityName: 'Kitchen CA' }, quietRun());
    const verify = (...more: string[]): string =>
      execFileSync(
        'openssl',
        [
          'verify',
          '-x509_strict',
          '-purpose',
          'sslserver',
          '-CAfile',
          made.paths.trust,
          ...more,
          made.paths.certificate,
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      ).toString();
    for (const name of names) expect(verify('-verify_hostname', name)).toContain('OK');
    for (const address of addresses) expect(verify('-verify_ip', address)).toContain('OK');
    expect(() => verify('-verify_hostname', 'elsewhere.example')).toThrow();
  });
});
