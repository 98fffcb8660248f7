import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectCluster } from '../../src/cluster/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { selfSigned } from '../helpers/certificate.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const ref = { apiVersion: 'config.openshift.io/v1', kind: 'OperatorHub', name: 'cluster' };

/** A kubeconfig for `server`, with fields changed. */
function kubeconfig(server: string, cluster: object = {}, more: object = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'hub', cluster: { server, ...cluster } }],
    users: [{ name: 'admin', user: { token: 'kitchen' } }],
    contexts: [{ name: 'admin@hub', context: { cluster: 'hub', user: 'admin' } }],
    'current-context': 'admin@hub',
    ...more,
  });
}

const url = 'https://api.hub.lab.example.com:6443';
const contexts = (context: object) => ({ contexts: [{ name: 'admin@hub', context }] });

describe('a kubeconfig that cannot be used is told with its path', () => {
  test.each([
    ['nothing in it', '', /^FILE is no kubeconfig: it is empty$/],
    ['a sentence', 'hello', /^FILE is no kubeconfig: it has no list of clusters$/],
    ['no YAML', 'apiVersion: v1\nkind: Config\nclusters: [\n', /^FILE:4:1: no YAML: .*end/],
    [
      'no current context',
      kubeconfig(url, {}, { 'current-context': '' }),
      /^FILE names no current-context: it has admin@hub$/,
    ],
    [
      'another current context',
      kubeconfig(url, {}, { 'current-context': 'cook' }),
      /current-context cook is none of its contexts: it has admin@hub$/,
    ],
    [
      'no contexts',
      kubeconfig(url, {}, { contexts: [] }),
      /current-context admin@hub is none of its contexts: it has none$/,
    ],
    [
      'another cluster',
      kubeconfig(url, {}, contexts({ cluster: 'spoke', user: 'admin' })),
      /context admin@hub is for cluster spoke, which is not in it$/,
    ],
    [
      'another user',
      kubeconfig(url, {}, contexts({ cluster: 'hub', user: 'cook' })),
      /context admin@hub is for user cook, who is not in it$/,
    ],
    [
      'plain HTTP',
      kubeconfig('http://192.0.2.10:6443'),
      /the server of cluster hub, http:\/\/192\.0\.2\.10:6443, is no https:\/\/ URL$/,
    ],
    [
      'a CA that stayed behind',
      kubeconfig(url, { 'certificate-authority': 'hub-ca.crt' }),
      /its certificate-authority, .*\/hub-ca\.crt, does not exist$/,
    ],
  ])('%s', async (_, text, message) => {
    const file = path.join(await temporaryFolder(), 'hub.kubeconfig');
    await writeFile(file, text);
    const error = await connectCluster({ file }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'KUBECONFIG_INVALID', hint: expect.stringContaining('kubeconfig') });
    expect(String((error as Error).message).replace(file, 'FILE')).toMatch(message);
    expect((error as Error).message).not.toContain('\n');
  });

  test('no token of a file that is no YAML gets into the message', async () => {
    const text = 'clusters: []\nusers: [{name: a, user: {token: "sha256~secret}}]\n';
    await expect(connectCluster({ text, name: 'Secret clusters/tea-admin-kubeconfig' })).rejects.toThrow(
      /^Secret clusters\/tea-admin-kubeconfig:\d+:\d+: no YAML: (?!.*secret)/,
    );
  });
});

describe('an API server that cannot be used is told with its address', () => {
  test('one that takes the connection and never answers', async () => {
    const server = net.createServer((socket) => socket.resume());
    let closed = 0;
    server.on('connection', (socket) => socket.on('close', () => (closed += 1)));
    const port = await listen(server);
    const client = await connectCluster({ text: kubeconfig(`https://127.0.0.1:${port}`) }, 200);
    for (const ask of [
      client.find(ref, quietRun()),
      client.apply({ ...ref, metadata: ref }, { dryRun: true, force: false }, quietRun()),
    ])
      await expect(ask).rejects.toMatchObject({
        code: 'CLUSTER_UNREACHABLE',
        message: `the API server https://127.0.0.1:${port} did not answer for OperatorHub cluster: nothing came in 0 seconds`,
      });
    // What stays open keeps the process from ending.
    await expect.poll(() => closed).toBe(2);
  }, 10_000);

  test('one of another CA', async () => {
    const { key, cert } = selfSigned('localhost');
    const port = await listen(https.createServer({ key, cert }));
    const client = await connectCluster({ text: kubeconfig(`https://127.0.0.1:${port}`) });
    await expect(client.find(ref, quietRun())).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      message: `the API server https://127.0.0.1:${port} did not answer for OperatorHub cluster: self-signed certificate`,
      hint: 'certificate-authority of the kubeconfig has to be the CA of this API server',
    });
  });

  test.each([
    [401, 'CLUSTER_REFUSED', /does not know who asks: Unauthorized$/, /log in again$/],
    [404, 'CLUSTER_KIND_UNKNOWN', /does not serve OperatorHub of config\.openshift\.io\/v1$/, /no OpenShift cluster/],
  ])('one that answers %i', async (status, code, message, hint) => {
    const text = await answering(status);
    const client = await connectCluster({ text });
    await expect(client.find(ref, quietRun())).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});

/** A kubeconfig for a server that answers every question with one status. */
async function answering(status: number): Promise<string> {
  const body = JSON.stringify({ kind: 'Status', code: status, message: status === 401 ? 'Unauthorized' : 'not found' });
  const server = http.createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  const port = await listen(server);
  return kubeconfig(`http://127.0.0.1:${port}`, { 'insecure-skip-tls-verify': true });
}

async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const open = new Set<net.Socket>();
  server.on('connection', (socket) => open.add(socket));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
