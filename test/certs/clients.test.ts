import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, get, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importAuthority, issueLeaf, type KeyAndCertificate } from '../../src/certs/index.ts';
import { describeReal } from '../helpers/real.ts';
import { testAuthority } from './pki.ts';

const execute = promisify(execFile);
const run = async (program: string, ...args: string[]): Promise<string> => {
  const { stdout, stderr } = await execute(program, args);
  return stdout + stderr;
};

let folder: string;
const at = (name: string): string => path.join(folder, name);
const read = (name: string): Promise<string> => readFile(at(name), 'utf8');
let ca: KeyAndCertificate;
let leaf: KeyAndCertificate;
let server: Server;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'airlock-test-'));
  const now = new Date();
  ca = await testAuthority('Kitchen CA', now);
  leaf = await issueLeaf({
    ca,
    names: ['localhost', 'registry.kitchen.example'],
    addresses: ['127.0.0.1', '::1'],
    validityDays: 30,
    now,
  });
  await writeFile(at('ca.crt'), ca.certificatePem);
  await writeFile(at('ca.key'), ca.keyPem);
  await writeFile(at('leaf.crt'), leaf.certificatePem);
  server = createServer({ cert: leaf.certificatePem, key: leaf.keyPem }, (_, response) => response.end('kitchen'));
  await new Promise<void>((resolve) => server.listen(0, '::', resolve));
  url = `https://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

describeReal('certificates, by openssl', ['openssl'], () => {
  test('have the extensions of RFC 5280 with the right critical flags', async () => {
    const root = await run('openssl', 'x509', '-in', at('ca.crt'), '-noout', '-text');
    expect(root).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    expect(root).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/);
    const server = await run(
      'openssl',
      'x509',
      '-in',
      at('leaf.crt'),
      '-noout',
      '-text',
      '-nameopt',
      'multiline,show_type',
    );
    expect(server).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(server).toMatch(/Key Usage: critical\s+Digital Signature, Key Encipherment/);
    expect(server).toMatch(/Extended Key Usage:\s+TLS Web Server Authentication/);
    expect(server).toMatch(/commonName\s+= UTF8STRING:localhost/);
    expect(server).toMatch(
      /DNS:localhost, DNS:registry.kitchen.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1/,
    );
    const keyId = /Subject Key Identifier:\s+([0-9A-F:]+)/.exec(root)?.[1];
    expect(/Authority Key Identifier:\s+([0-9A-F:]+)/.exec(server)?.[1]).toBe(keyId);
  });

  test('of an ECDSA corporate CA with an intermediate verify strictly, root to leaf', async () => {
    // Made by openssl, as a company's would be, with a PrintableString name that has to be copied byte for byte.
    await writeFile(
      at('x.cnf'),
      '[req]\nstring_mask=pkix\nprompt=no\ndistinguished_name=dn\n[dn]\nO=Harbour\nCN=Harbour Root\n[ca]\nbasicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n[sub]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n',
    );
    await run(
      'openssl',
      'req',
      '-x509',
      '-config',
      at('x.cnf'),
      '-extensions',
      'ca',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-384',
      '-nodes',
      '-keyout',
      at('root.key'),
      '-out',
      at('root.crt'),
      '-days',
      '900',
    );
    await run(
      'openssl',
      'req',
      '-new',
      '-config',
      at('x.cnf'),
      '-subj',
      '/C=DE/O=Harbour/CN=Harbour Issuing',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      at('sub.key'),
      '-out',
      at('sub.csr'),
    );
    await run(
      'openssl',
      'x509',
      '-req',
      '-in',
      at('sub.csr'),
      '-CA',
      at('root.crt'),
      '-CAkey',
      at('root.key'),
      '-extfile',
      at('x.cnf'),
      '-extensions',
      'sub',
      '-days',
      '800',
      '-out',
      at('sub.crt'),
    );
    const authority = importAuthority(
      (await read('sub.crt')) + (await read('root.crt')),
      await read('sub.key'),
      new Date(),
    );
    const made = await issueLeaf({
      ca: authority,
      names: ['web.harbour.example'],
      addresses: [],
      validityDays: 90,
      now: new Date(),
    });
    await writeFile(at('corporate.crt'), made.certificatePem);
    await writeFile(at('between.crt'), authority.intermediatesPem);
    await writeFile(at('anchor.crt'), authority.anchorPem);
    expect(
      await run(
        'openssl',
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        '-verify_hostname',
        'web.harbour.example',
        '-CAfile',
        at('anchor.crt'),
        '-untrusted',
        at('between.crt'),
        at('corporate.crt'),
      ),
    ).toContain('OK');
  });

  test('refuses a corporate chain longer than the root allows', async () => {
    // Our own root has path length 0: a CA below it would make certificates that no client takes.
    await writeFile(at('sub.cnf'), 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n');
    await run(
      'openssl',
      'req',
      '-new',
      '-subj',
      '/CN=Kitchen Sub',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      at('deep.key'),
      '-out',
      at('deep.csr'),
    );
    await run(
      'openssl',
      'x509',
      '-req',
      '-in',
      at('deep.csr'),
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-extfile',
      at('sub.cnf'),
      '-out',
      at('deep.crt'),
    );
    const bundle = (await read('deep.crt')) + ca.certificatePem;
    const key = await read('deep.key');
    expect(() => importAuthority(bundle, key, new Date())).toThrow(expect.objectContaining({ code: 'CA_INVALID' }));
  });
});

describeReal('certificates, by GnuTLS', ['certtool'], () => {
  test('pass certtool --verify', async () => {
    const text = await run(
      'certtool',
      '--verify',
      '--load-ca-certificate',
      at('ca.crt'),
      '--infile',
      at('leaf.crt'),
      '--verify-hostname',
      'registry.kitchen.example',
    );
    expect(text).toContain('Chain verification output: Verified. The certificate is trusted.');
  });
});

describeReal('certificates, by curl', ['curl'], () => {
  test('are taken for a name, an IPv4 and an IPv6 address, and refused for others', async () => {
    const port = new URL(url).port;
    for (const host of ['localhost', '127.0.0.1', '[::1]'])
      expect(
        await run('curl', '-sS', '--noproxy', '*', '--cacert', at('ca.crt'), `https://${host}:${port}/`),
      ).toContain('kitchen');
    const elsewhere = run(
      'curl',
      '-sS',
      '--noproxy',
      '*',
      '--cacert',
      at('ca.crt'),
      '--connect-to',
      `web.example:443:localhost:${port}`,
      'https://web.example/',
    );
    await expect(elsewhere).rejects.toMatchObject({ code: 60 });
  });
});

test('certificates are taken by a Node client', async () => {
  const body = await new Promise<string>((resolve, reject) => {
    get(url, { ca: ca.certificatePem, agent: false }, (response) =>
      response.on('data', (data: Buffer) => resolve(data.toString())),
    ).on('error', reject);
  });
  expect(body).toBe('kitchen');
});

describeReal('certificates, by Go', ['go'], () => {
  test('are taken by a Go client, which looks at SANs only', async () => {
    await writeFile(at('main.go'), goClient);
    const { stdout } = await execute(
      'go',
      ['run', at('main.go'), at('ca.crt'), url, url.replace('localhost', '[::1]')],
      { env: { ...process.env, GOFLAGS: '-mod=mod', GO111MODULE: 'off' } },
    );
    expect(stdout).toBe('kitchen\nkitchen\n');
  }, 240_000);
});

const goClient = `package main

import ("crypto/tls"; "crypto/x509"; "fmt"; "io"; "net/http"; "os")

func main() {
	pem, _ := os.ReadFile(os.Args[1])
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	for _, url := range os.Args[2:] {
		response, err := client.Get(url)
		if err != nil { fmt.Println(err); continue }
		body, _ := io.ReadAll(response.Body)
		fmt.Println(string(body))
	}
}
`;
