import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { awaitHealthy, parseHtpasswd, probeRegistry, renderHtpasswd } from '../../src/registry/index.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { makeCertificate } from './certificate.ts';
import { freePort } from './free-port.ts';
import { openKitchen } from './kitchen.ts';

const run = quietRun();

describe('health of a registry', () => {
  test('is good on 200, and on 401 when no credentials were given', async () => {
    const open = await openKitchen();
    const port = Number(new URL(open.url).port);
    expect(await probeRegistry({ host: '127.0.0.1', port }, run)).toEqual({
      healthy: true,
      status: 200,
      problem: undefined,
    });
    const closed = await openKitchen({ htpasswd: parseHtpasswd(await renderHtpasswd('cook', 'salt')) });
    const probe = { host: '127.0.0.1', port: Number(new URL(closed.url).port) };
    expect(await probeRegistry(probe, run)).toMatchObject({ healthy: true, status: 401 });
    const wrong = { ...probe, username: 'cook', password: 'pepper' };
    expect(await probeRegistry(wrong, run)).toMatchObject({ healthy: false, problem: '/v2/ answers 401' });
  });

  test('is awaited, and not for ever', async () => {
    const port = await freePort();
    const late = setTimeout(() => void openKitchen({ listen: [{ host: '127.0.0.1', port }] }).catch(() => {}), 150);
    await awaitHealthy({ host: '127.0.0.1', port }, 5000, run);
    clearTimeout(late);
    const nobody = awaitHealthy({ host: '127.0.0.1', port: await freePort() }, 100, run);
    await expect(nobody).rejects.toMatchObject({ code: 'REGISTRY_UNHEALTHY' });
  });
});

describeReal('health over TLS', ['openssl'], () => {
  test('needs the CA, the right name, and a subjectAltName where others would take the CN', async () => {
    const folder = await temporaryFolder();
    const tls = makeCertificate(folder, ['registry.kitchen.test']);
    const kitchen = await openKitchen({ tls });
    const port = Number(new URL(kitchen.url).port);
    const health = async (ca: string, serverName: string): Promise<boolean> =>
      (await probeRegistry({ host: '127.0.0.1', port, tls: { ca, serverName } }, run)).healthy;
    expect(await health(tls.ca, 'registry.kitchen.test')).toBe(true);
    expect(await health(tls.ca, '127.0.0.1')).toBe(true);
    expect(await health(tls.ca, 'other.kitchen.test')).toBe(false);
    expect(await health(makeCertificate(folder, [], 'other').ca, 'registry.kitchen.test')).toBe(false);

    const [key, certificate] = ['bare.key', 'bare.crt'].map((name) => path.join(folder, name)) as [string, string];
    const subject = ['-subj', '/CN=registry.kitchen.test', '-days', '9', '-nodes'];
    const files = ['-keyout', key, '-out', certificate];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...files, ...subject], { stdio: 'ignore' });
    const bare = { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
    kitchen.registry.replaceTls(bare);
    expect(await health(bare.certificate, 'registry.kitchen.test')).toBe(false);
  });
});
