import { readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AirlockOptions, airlock, startAirlock, tell } from '../helpers/airlock.ts';
import { freeSitePorts, siteNames, writeSite } from '../helpers/journey-site.ts';
import { suiteFolder, temporaryFolder } from '../helpers/temporary.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

describe('services that run while things change', () => {
  let options: AirlockOptions;
  let ports: Awaited<ReturnType<typeof freeSitePorts>>;
  const go = async (...args: string[]): Promise<string> => {
    const ending = await airlock(args, options);
    expect(ending.exitCode, tell(ending)).toBe(0);
    return ending.stdout;
  };
  const state = (name: string): Promise<string> =>
    readFile(path.join(options.cwd, 'bastion/state', name), 'utf8').then((text) => text.trim());
  const connectTo = async (port: number, servername: string): Promise<tls.TLSSocket> => {
    const socket = tls.connect({ host: '127.0.0.1', port, servername, ca: await state('certs/trust.crt') });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return socket;
  };
  const served = async (port: number, servername: string): Promise<string> => {
    const socket = await connectTo(port, servername);
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256.replaceAll(':', '').toLowerCase();
  };
  const ask = async (method: string, requestPath: string, agent?: https.Agent): Promise<Answer> => {
    const auth = `airlock:${await state('registry-password')}`;
    const ca = await state('certs/trust.crt');
    const common = { host: '127.0.0.1', port: ports.registry, servername: siteNames.registry, ca, auth };
    return new Promise((resolve, reject) => {
      https
        .request({ ...common, method, path: requestPath, ...(agent ? { agent } : { agent: false }) }, (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => {
            body += chunk;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        })
        .on('error', reject)
        .end();
    });
  };

  beforeAll(async () => {
    options = { cwd: await suiteFolder() };
    ports = await freeSitePorts();
    await writeSite(options.cwd, { addresses: ['127.0.0.1'], mode: 'embedded', ports });
    await go('up');
  }, 120_000);

  afterAll(async () => {
    await airlock(['down'], options);
    await rm(options.cwd, { recursive: true, force: true });
  });

  test('registry and web server take a renewed certificate, and an open connection goes on', async () => {
    const before = await served(ports.registry, siteNames.registry);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    expect((await ask('GET', '/v2/', agent)).status).toBe(200);
    const [socket] = Object.values(agent.freeSockets).flat();
    const { leaf } = JSON.parse(await go('certs', 'renew', '-o', 'json')) as { leaf: { fingerprintSha256: string } };
    expect(leaf.fingerprintSha256).not.toBe(before);
    const wait = { timeout: 15_000, interval: 300 };
    await expect.poll(() => served(ports.registry, siteNames.registry), wait).toBe(leaf.fingerprintSha256);
    await expect.poll(() => served(ports.https, siteNames.web), wait).toBe(leaf.fingerprintSha256);
    expect((await ask('GET', '/v2/', agent)).status).toBe(200);
    expect(Object.values(agent.freeSockets).flat()).toEqual([socket]);
    agent.destroy();
  }, 120_000);

  test('the four steps of a CA change leave no client that trusts trust.crt without a server', async () => {
    const wait = { timeout: 15_000, interval: 300 };
    for (const step of ['add', 'switch', 'drop']) {
      const { leaf } = JSON.parse(await go('certs', 'change-ca', step, '-o', 'json')) as {
        leaf: { fingerprintSha256: string };
      };
      await expect.poll(() => served(ports.registry, siteNames.registry), wait).toBe(leaf.fingerprintSha256);
      expect((await ask('GET', '/v2/')).status).toBe(200);
    }
    const { consumers } = JSON.parse(await go('certs', 'show', '-o', 'json')) as {
      consumers: readonly { consumer: string; state: string }[];
    };
    const states = consumers.filter((one) => /^(registry|web server)$/.test(one.consumer)).map((one) => one.state);
    expect(states).toEqual(['current', 'current']);
  }, 240_000);

  test('a new password counts and the old one does not', async () => {
    const old = await state('registry-password');
    await go('registry', 'passwd', '-y');
    expect(await state('registry-password')).not.toBe(old);
    await expect.poll(() => ask('GET', '/v2/').then((one) => one.status), { timeout: 15_000 }).toBe(200);
    await go('registry', 'login', '--authfile', 'auth.json');
    const { auths } = JSON.parse(await readFile(path.join(options.cwd, 'auth.json'), 'utf8'));
    const { auth } = auths[`${siteNames.registry}:${ports.registry}`];
    expect(Buffer.from(auth, 'base64').toString()).toBe(`airlock:${await state('registry-password')}`);
  }, 120_000);

  test('the registry is read-only and writable again at a word', async () => {
    const push = () => ask('POST', '/v2/kitchen/tools/blobs/uploads/').then((one) => one.status);
    expect(await push()).toBe(202);
    await go('registry', 'read-only', 'on');
    await expect.poll(push, { timeout: 15_000 }).toBe(405);
    expect((await ask('GET', '/v2/')).status).toBe(200);
    await go('registry', 'read-only', 'off');
    await expect.poll(push, { timeout: 15_000 }).toBe(202);
  }, 120_000);

  test('the first page shows the site and loads nothing from elsewhere', async () => {
    const page = await get(`http://127.0.0.1:${ports.http}/`);
    expect(page.status).toBe(200);
    for (const words of ['Airlock at lab.example.com', 'healthy', 'registry and web server', 'podman login', '/ca.crt'])
      expect(page.body).toContain(words);
    expect(page.body).not.toMatch(/<script|<img|@import|(?:src|href)="(?:https?:)?\/\//i);
    const ca = await get(`http://127.0.0.1:${ports.http}/ca.crt`);
    expect(ca.body.trim()).toBe(await state('certs/trust.crt'));
  });
});

describe('airlock web serve', () => {
  test('serves every file of a folder with its checksum, and ends when it is interrupted', async () => {
    const cwd = await temporaryFolder();
    await writeFile(path.join(cwd, 'oven-live.iso'), 'a kitchen image');
    const server = await startAirlock(['web', 'serve', '--root', '.', '--listen', '127.0.0.1:0'], { cwd });
    const url = await server.said(/http:\S+/);
    const [file, sums] = [await get(`${url}/oven-live.iso`), await get(`${url}/sha256sum.txt`)];
    expect(file.body).toBe('a kitchen image');
    expect(sums.body).toMatch(/^[0-9a-f]{64} {2}oven-live\.iso\n$/);
    expect((await get(`${url}/..%2f..%2fetc/passwd`)).status).toBeGreaterThanOrEqual(400);
    server.child.kill('SIGINT');
    expect((await server.ended).exitCode).toBe(130);
  });

  test('asks for a folder or a site', async () => {
    const ending = await airlock(['web', 'serve', '-o', 'json'], { cwd: await temporaryFolder() });
    expect(ending.exitCode).toBe(2);
    expect(JSON.parse(ending.stdout)).toMatchObject({ error: { code: 'USAGE' } });
  });
});

function get(url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      })
      .on('error', reject);
  });
}
