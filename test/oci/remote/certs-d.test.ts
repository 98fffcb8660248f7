import { mkdir, writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import { findHostTls } from '../../../src/oci/remote/certs-d.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { testRemote } from './helpers.ts';

const run = quietRun();

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  return folder;
}

describe('findHostTls', () => {
  test('reads every CA and the client certificate of the host and port, from the first folder that has it', async () => {
    const first = await folderWith({
      'r.example:5000/a.crt': 'A',
      'r.example:5000/b.crt': 'B',
      'r.example/c.crt': 'C',
    });
    const second = await folderWith({
      'r.example:5000/d.crt': 'D',
      'other/me.cert': 'E',
      'other/me.key': 'F',
      'other/note': 'G',
    });
    const find = (registry: string, insecure = false) =>
      findHostTls(registry, insecure, { certsDirs: [first, second] }, run);
    expect(await find('r.example:5000')).toEqual({ caPem: ['A', 'B'], insecure: false });
    expect(await find('other', true)).toEqual({ certPem: 'E', keyPem: 'F', insecure: true });
    expect(await find('r.example:5001')).toBeUndefined();
    expect(await find('r.example:5001', true)).toEqual({ insecure: true });
  });

  test('--cert-dir counts for every registry, and alone', async () => {
    const certDir = await folderWith({ 'ca.crt': 'A' });
    const certsDirs = [await folderWith({ 'r.example/b.crt': 'B' })];
    expect(await findHostTls('r.example', false, { certDir, certsDirs }, run)).toEqual({
      caPem: ['A'],
      insecure: false,
    });
  });

  test('refuses a client certificate without its key', async () => {
    const certDir = await folderWith({ 'me.cert': 'A' });
    await expect(findHostTls('r', false, { certDir }, run)).rejects.toMatchObject({ code: 'HTTP_CA_INVALID' });
  });
});

describe('client certificates', () => {
  test('are shown to the registry that has them under certs.d', async () => {
    const { key, cert } = await makeCertificate();
    const server = https.createServer(
      { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true },
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"tags":["v1"]}');
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    onTestFinished(() => server.closeAllConnections());
    const registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const folder = await folderWith({
      [`${registry}/ca.crt`]: cert,
      [`${registry}/me.cert`]: cert,
      [`${registry}/me.key`]: key,
    });
    const remote = testRemote({ tlsVerify: true, certsDirs: [folder] });
    expect(await remote.listTags({ registry, repository: 'k' }, run)).toEqual(['v1']);
  });
});
