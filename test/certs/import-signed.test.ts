import { execFileSync } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  describeCertificate,
  ensureCertificates,
  importSigned,
  splitPemBundle,
  writeRequest,
} from '../../src/certs/index.ts';
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
    const hand = (authorityPem: string) =>
      importSigned({ folder, certificatePem: signed + ca.certificatePem, authorityPem, names, addresses }, run);
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

  test('alone, by an issuing CA below a root, is served with the issuing CA, which is taken from the CA file', async () => {
    const base = await temporaryFolder();
    const folder = path.join(base, 'certs');
    const openssl = (...args: string[]): string =>
      execFileSync('openssl', args, { cwd: base, stdio: ['ignore', 'pipe', 'pipe'] }).toString();
    const newKey = ['-newkey', 'rsa:2048', '-nodes', '-keyout'];
    openssl(
      'req',
      '-x509',
      ...newKey,
      'root.key',
      '-out',
      'root.crt',
      '-subj',
      '/CN=Root',
      '-addext',
      'keyUsage=critical,keyCertSign',
    );
    const rootPem = await readFile(path.join(base, 'root.crt'), 'utf8');
    await writeFile(
      path.join(base, 'ca.ext'),
      'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n',
    );
    openssl('req', ...newKey, 'issuing.key', '-out', 'issuing.csr', '-subj', '/CN=Issuing');
    const signedBy = (name: string, ...args: string[]): string =>
      openssl('x509', '-req', '-CA', `${name}.crt`, '-CAkey', `${name}.key`, '-CAcreateserial', '-days', '90', ...args);
    const issuing = signedBy('root', '-in', 'issuing.csr', '-extfile', 'ca.ext');
    await writeFile(path.join(base, 'issuing.crt'), issuing);
    await writeFile(path.join(base, 'chain.crt'), issuing + rootPem);

    const request = await writeRequest({ folder, names, addresses }, run);
    const leaf = signedBy('issuing', '-in', request.file, '-copy_extensions', 'copyall');
    const hand = { folder, certificatePem: leaf, names, addresses };
    await expect(importSigned({ ...hand, authorityPem: rootPem }, run)).rejects.toMatchObject({ code: 'CHAIN_BROKEN' });
    const stranger = (await testAuthority('Stranger', new Date())).certificatePem;
    await expect(
      importSigned({ ...hand, authorityPem: stranger, intermediatesPem: issuing }, run),
    ).rejects.toMatchObject({ code: 'CHAIN_BROKEN' });
    // Refused before anything was touched: the request is still there to be answered.
    expect((await readdir(folder)).sort()).toEqual(['request.csr', 'request.key']);
    await importSigned({ ...hand, authorityPem: issuing + rootPem }, run);
    const authority = { certificateFile: path.join(base, 'chain.crt') };
    const served = await ensureCertificates({ folder, names, addresses, authorityName: '', authority }, run);
    expect(served.caPem).toBe(rootPem);
    expect(splitPemBundle(served.certificatePem)).toEqual([leaf, issuing].flatMap(splitPemBundle));
    await writeFile(path.join(base, 'served.crt'), served.certificatePem);
    expect(
      openssl(
        'verify',
        '-x509_strict',
        '-CAfile',
        'root.crt',
        '-untrusted',
        'served.crt',
        '-verify_ip',
        '2001:db8::1',
        'served.crt',
      ),
    ).toContain('OK');
  });

  test('is refused when there is no key for it', async () => {
    const folder = await temporaryFolder();
    const ca = await testAuthority();
    const hand = importSigned(
      { folder, certificatePem: ca.certificatePem, authorityPem: ca.certificatePem, names, addresses },
      run,
    );
    await expect(hand).rejects.toMatchObject({ code: 'CERTIFICATE_NEEDED' });
  });
});
