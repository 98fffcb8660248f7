import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ensureCertificates } from '../../src/certs/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const names = ['registry.kitchen.example', 'registry', 'web.kitchen.example'];
const addresses = ['192.0.2.1', '2001:db8:10::1'];
const keyBits = { authority: 2048, leaf: 2048 };

describe('ensureCertificates', () => {
  test('makes CA and server certificate once and leaves them alone afterwards', async () => {
    const options = {
      folder: path.join(await temporaryFolder(), 'certs'),
      names,
      addresses,
      authorityName: 'Kitchen CA',
      keyBits,
    };
    const first = await ensureCertificates(options, quietRun());
    expect(first).toMatchObject({ changed: true, reason: 'there was none' });
    const second = await ensureCertificates(options, quietRun());
    expect(second).toMatchObject({
      changed: false,
      reason: undefined,
      caPem: first.caPem,
      certificatePem: first.certificatePem,
    });
    for (const key of [first.paths.key, first.paths.caKey]) expect((await stat(key)).mode & 0o777).toBe(0o600);
  });
});

describeReal('ensureCertificates, by openssl', ['openssl'], () => {
  test('passes openssl verify -x509_strict for every name and address', async () => {
    const folder = await temporaryFolder();
    const made = await ensureCertificates({ folder, names, addresses, authorityName: 'Kitchen CA' }, quietRun());
    const verify = (...more: string[]): string =>
      execFileSync('openssl', [
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        '-CAfile',
        made.paths.trust,
        ...more,
        made.paths.certificate,
      ]).toString();
    for (const name of names) expect(verify('-verify_hostname', name)).toContain('OK');
    for (const address of addresses) expect(verify('-verify_ip', address)).toContain('OK');
    expect(() => verify('-verify_hostname', 'elsewhere.example')).toThrow();
  });
});
