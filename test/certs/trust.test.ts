import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  backupCertificates,
  describeCertificate,
  ensureCertificates,
  installHostTrust,
  installRegistryTrust,
  isSpread,
  issueLeaf,
  type KeyAndCertificate,
  readTrust,
  removeHostTrust,
  restoreCertificates,
  splitPemBundle,
} from '../../src/certs/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { describeReal, findProgram } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { testAuthority } from './pki.ts';

const run = quietRun();
let old: KeyAndCertificate;
let fresh: KeyAndCertificate;
let stranger: KeyAndCertificate;
const fingerprintOf = (pair: KeyAndCertificate): string => describeCertificate(pair.certificatePem).fingerprintSha256;
beforeAll(async () => {
  [old, fresh, stranger] = await Promise.all(
    ['Old CA', 'New CA', 'Stranger'].map((name) => testAuthority(name, new Date())) as [
      Promise<KeyAndCertificate>,
      Promise<KeyAndCertificate>,
      Promise<KeyAndCertificate>,
    ],
  );
});

describe('readTrust', () => {
  test('says of each consumer what it holds', async () => {
    const folder = await temporaryFolder();
    const both = old.certificatePem + fresh.certificatePem;
    await writeFile(path.join(folder, 'host.pem'), stranger.certificatePem + both);
    await writeFile(path.join(folder, 'broken.pem'), old.certificatePem.replace('MII', 'AII'));
    const text = (consumer: string, value: string | undefined) => ({
      kind: 'text' as const,
      consumer,
      where: 'ConfigMap',
      text: value,
    });
    const rows = await readTrust(
      [
        { kind: 'file', consumer: 'host', file: path.join(folder, 'host.pem') },
        { kind: 'file', consumer: 'certs.d', file: path.join(folder, 'none.crt') },
        { kind: 'file', consumer: 'broken', file: path.join(folder, 'broken.pem') },
        text('hub', old.certificatePem),
        text('hosted1', stranger.certificatePem),
        text('hosted2', undefined),
      ],
      both,
      run,
    );
    expect(rows.map(({ consumer, state }) => [consumer, state])).toEqual([
      ['host', 'current'],
      ['certs.d', 'missing'],
      ['broken', 'unreachable'],
      ['hub', 'partial'],
      ['hosted1', 'other'],
      ['hosted2', 'missing'],
    ]);
    expect(rows[0]?.fingerprints).toEqual([fingerprintOf(old), fingerprintOf(fresh)]);
    expect(rows[3]).toMatchObject({ fingerprints: [fingerprintOf(old)], missing: [fingerprintOf(fresh)] });
    expect(rows[4]?.fingerprints).toEqual([fingerprintOf(stranger)]);
    expect([isSpread(rows), isSpread(rows.slice(0, 1))]).toEqual([false, true]);
  });

  test('looks at a running service with the eyes of a client', async () => {
    const leaf = await issueLeaf({
      ca: old,
      names: ['localhost'],
      addresses: ['::1'],
      validityDays: 1,
      now: new Date(),
    });
    const server = createServer({ cert: leaf.certificatePem, key: leaf.keyPem });
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const place = { kind: 'service' as const, consumer: 'web', host: '::1', port, serverName: 'localhost' };
    const read = async (serverName: string, caPem: string) =>
      (await readTrust([{ ...place, serverName }], caPem, run))[0];
    expect(await read('localhost', old.certificatePem)).toMatchObject({
      state: 'current',
      fingerprints: [describeCertificate(leaf.certificatePem).fingerprintSha256],
    });
    expect(await read('localhost', fresh.certificatePem)).toMatchObject({ state: 'other' });
    expect(await read('web.example', old.certificatePem)).toMatchObject({
      state: 'other',
      reason: expect.stringContaining('web.example'),
    });
    expect((await readTrust([{ ...place, port: 1 }], old.certificatePem, run))[0]).toMatchObject({
      state: 'unreachable',
      where: '[::1]:1',
    });
  });
});

describe('installHostTrust', () => {
  test.each([
    ['/etc/pki/ca-trust/source/anchors', 'update-ca-trust extract'],
    ['/usr/local/share/ca-certificates', 'update-ca-certificates'],
  ])('keeps one file per certificate in %s and takes back what is dropped', async (folder, command) => {
    const root = await temporaryFolder();
    const store = path.join(root, folder);
    await mkdir(store, { recursive: true });
    await writeFile(path.join(store, 'corporate.crt'), stranger.certificatePem);
    const install = (caPem: string) => installHostTrust({ caPem, name: 'lab', root }, run);
    const first = await install(old.certificatePem);
    expect(first).toMatchObject({ changed: true, command });
    expect(await install(old.certificatePem)).toMatchObject({ changed: false, command: undefined });
    await install(old.certificatePem + fresh.certificatePem);
    expect(await readdir(store)).toHaveLength(3);
    await install(fresh.certificatePem);
    const names = (await readdir(store)).sort();
    expect(names).toEqual([`airlock-lab-${fingerprintOf(fresh).slice(0, 16)}.crt`, 'corporate.crt']);
    expect(await readFile(path.join(store, names[0] ?? ''), 'utf8')).toBe(fresh.certificatePem);
    await removeHostTrust({ name: 'lab', root }, run);
    expect(await readdir(store)).toEqual(['corporate.crt']);
  });

  test('says so when the host has no trust store', async () => {
    const root = await temporaryFolder();
    await expect(installHostTrust({ caPem: '', name: 'lab', root }, run)).rejects.toMatchObject({
      code: 'TRUST_UNSUPPORTED',
    });
  });
});

describeReal('installHostTrust, by update-ca-certificates', ['update-ca-certificates', 'openssl'], () => {
  test('gives Debian files that its tool takes up, both CAs of a change', async () => {
    const root = await temporaryFolder();
    const local = path.join(root, 'usr/local/share/ca-certificates');
    const folders = ['certs', 'hooks', 'etc'].map((name) => path.join(root, name));
    for (const folder of [local, ...folders]) await mkdir(folder, { recursive: true });
    await writeFile(path.join(root, 'ca-certificates.conf'), '');
    await installHostTrust({ caPem: old.certificatePem + fresh.certificatePem, name: 'lab', root }, run);
    const [certs = '', hooks = '', etc = ''] = folders;
    const flags = [
      '--certsconf',
      path.join(root, 'ca-certificates.conf'),
      '--certsdir',
      certs,
      '--localcertsdir',
      local,
      '--etccertsdir',
      etc,
      '--hooksdir',
      hooks,
    ];
    execFileSync(findProgram('update-ca-certificates') ?? '', flags, { stdio: 'pipe' });
    const store = splitPemBundle(await readFile(path.join(etc, 'ca-certificates.crt'), 'utf8'));
    expect(store.sort()).toEqual([old.certificatePem, fresh.certificatePem].sort());
  });
});

describe('installRegistryTrust', () => {
  test('writes ca.crt under the reference of each registry, port and brackets included', async () => {
    const root = await temporaryFolder();
    const registries = ['registry.lab.example.com:5000', '[2001:db8::1]:5000', 'registry.lab.example.com'];
    const made = await installRegistryTrust({ caPem: old.certificatePem, registries, root }, run);
    expect(made.changed).toBe(true);
    for (const registry of registries)
      expect(await readFile(path.join(root, 'etc/containers/certs.d', registry, 'ca.crt'), 'utf8')).toBe(
        old.certificatePem,
      );
    expect((await installRegistryTrust({ caPem: old.certificatePem, registries, root }, run)).changed).toBe(false);
  });

  test.each(['../etc', '..', 'a/b', ''])('refuses %j as a registry', async (registry) => {
    const root = await temporaryFolder();
    const install = installRegistryTrust({ caPem: old.certificatePem, registries: [registry], root }, run);
    await expect(install).rejects.toMatchObject({ code: 'SAN_INVALID' });
  });
});

describe('backupCertificates and restoreCertificates', () => {
  test('bring back the same files with keys of mode 0600', async () => {
    const base = await temporaryFolder();
    const options = {
      folder: path.join(base, 'certs'),
      names: ['web'],
      addresses: [],
      authorityName: 'Kitchen CA',
      keyBits: { authority: 2048 },
    };
    const made = await ensureCertificates(options, run);
    const file = path.join(base, 'backup.json');
    const saved = await backupCertificates(options.folder, file, run);
    expect((await stat(file)).mode & 0o777).toBe(0o600);

    const other = { ...options, folder: path.join(base, 'other') };
    expect(await restoreCertificates({ file, folder: other.folder }, run)).toEqual(saved);
    expect(await ensureCertificates(other, run)).toMatchObject({
      changed: false,
      certificatePem: made.certificatePem,
      keyPem: made.keyPem,
    });
    for (const key of ['ca.key', 'server.key'])
      expect((await stat(path.join(other.folder, key))).mode & 0o777).toBe(0o600);

    const third = { ...options, folder: path.join(base, 'third') };
    await ensureCertificates(third, run);
    await expect(restoreCertificates({ file, folder: third.folder }, run)).rejects.toMatchObject({
      code: 'CA_INVALID',
    });
    await restoreCertificates({ file, folder: third.folder, replace: true }, run);
    expect((await ensureCertificates(third, run)).caPem).toBe(made.caPem);
  });

  test.each([
    ['a name that leaves the folder', (text: string) => text.replace('"server.key"', '"../server.key"')],
    [
      'damaged content',
      (text: string) => text.replace(/-----BEGIN CERTIFICATE-----\\n.{4}/, '-----BEGIN CERTIFICATE-----\\nAAAA'),
    ],
    ['another kind', (text: string) => text.replace('CertificateBackup', 'Site')],
    ['no JSON', () => 'tar'],
  ])('refuse a backup with %s', async (_, change) => {
    const base = await temporaryFolder();
    const folder = path.join(base, 'certs');
    await ensureCertificates(
      { folder, names: ['web'], addresses: [], authorityName: 'Kitchen CA', keyBits: { authority: 2048 } },
      run,
    );
    const file = path.join(base, 'backup.json');
    await backupCertificates(folder, file, run);
    await writeFile(file, change(await readFile(file, 'utf8')));
    await expect(restoreCertificates({ file, folder: path.join(base, 'other') }, run)).rejects.toMatchObject({
      code: 'BACKUP_INVALID',
    });
    expect(await readdir(base)).toEqual(['backup.json', 'certs']);
  });
});
