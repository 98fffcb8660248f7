import { execFileSync } from 'node:child_process';
import { readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { describeCertificate, ensureCertificates, importSigned, writeRequest } from '../../src/certs/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { testAuthority } from './pki.ts';

const names = ['registry.kitchen.example', 'registry'];
const addresses = ['192.0.2.1', '2001:db8::1'];
const run = quietRun();

describeReal('a request signed by a corporate CA, by openssl', ['openssl'], () => {
  test('asks for every name, is signed, imported and served', async () => {
    const base = await temporaryFolder();
    const folder = path.join(base, 'certs');
    const ca = await testAuthority('Corporate CA', new Date());
    await writeFile(path.join(base, 'ca.crt'), ca.certificatePem);
    await writeFile(path.join(base, 'ca.key'), ca.keyPem);
    const ensure = () =>
      ensureCertificates(
        { folder, names, addresses, authorityName: '', authority: { certificateFile: path.join(base, 'ca.crt') } },
        run,
      );
    await expect(ensure()).rejects.toMatchObject({ code: 'CERTIFICATE_NEEDED' });

    const request = await writeRequest({ folder, names, addresses }, run);
    expect((await stat(path.join(folder, 'request.key'))).mode & 0o777).toBe(0o600);
    const again = await writeRequest({ folder, names, addresses }, run);
    const openssl = (...args: string[]): string =>
      execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
    const text = openssl('req', '-in', again.file, '-noout', '-text', '-verify');
    for (const wanted of [
      'DNS:registry.kitchen.example',
      'IP Address:192.0.2.1',
      'IP Address:2001:DB8:0:0:0:0:0:1',
      'TLS Web Server Authentication',
    ])
      expect(text).toContain(wanted);
    expect(openssl('req', '-in', again.file, '-noout', '-pubkey')).toBe(
      openssl('req', '-in', request.file, '-noout', '-pubkey'),
    );

    const signed = openssl(
      'x509',
      '-req',
      '-in',
      request.file,
      '-copy_extensions',
      'copyall',
      '-CA',
      path.join(base, 'ca.crt'),
      '-CAkey',
      path.join(base, 'ca.key'),
      '-days',
      '90',
    );
    const stranger = await testAuthority('Stranger', new Date());
    const hand = (anchorsPem: string) =>
      importSigned({ folder, certificatePem: signed + ca.certificatePem, anchorsPem, names, addresses }, run);
    await expect(hand(stranger.certificatePem)).rejects.toMatchObject({ code: 'CHAIN_BROKEN' });
    await hand(ca.certificatePem);
    const served = await ensure();
    expect(served).toMatchObject({
      changed: true,
      reason: undefined,
      caPem: ca.certificatePem,
      leaf: { names: [...names].sort(), addresses },
    });
    expect((await ensure()).changed).toBe(false);
    expect(served.certificatePem).not.toContain(ca.certificatePem);
    expect(describeCertificate(served.certificatePem).issuer).toBe('CN=Corporate CA');
    expect((await readdir(folder)).sort()).toEqual(['server.crt', 'server.key', 'trust.crt']);
  });

  test('is refused when there is no key for it', async () => {
    const folder = await temporaryFolder();
    const ca = await testAuthority();
    const hand = importSigned(
      { folder, certificatePem: ca.certificatePem, anchorsPem: ca.certificatePem, names, addresses },
      run,
    );
    await expect(hand).rejects.toMatchObject({ code: 'CERTIFICATE_NEEDED' });
  });
});
