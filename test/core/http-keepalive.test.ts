import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createHttp } from '../../src/core/http.ts';
import { quietRun } from '../../src/core/run.ts';
import { createDownloader } from '../../src/fetch/index.ts';
import { digestFromHex } from '../../src/oci/index.ts';
import { testRemote } from '../oci/remote/helpers.ts';

describe('keep-alive', () => {
  test('questions by HEAD share a few connections', async () => {
    let connections = 0;
    const server = http.createServer((_, response) => {
      response
        .writeHead(200, {
          'content-length': '1000',
          'docker-content-digest': `sha256:${'a'.repeat(64)}`,
          'content-type': 'application/vnd.oci.image.manifest.v1+json',
        })
        .end();
    });
    server.on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    onTestFinished(() => server.closeAllConnections());
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = createHttp();
    onTestFinished(() => client.close());
    const remote = testRemote({ http: client });
    const run = quietRun();
    const blob = { mediaType: 'x', digest: digestFromHex('a'.repeat(64)), size: 1000 };
    await remote.resolve({ registry: host, repository: 'k', tag: 'v1' }, run);
    connections = 0;
    for (let n = 0; n < 10; n += 1) {
      await remote.resolve({ registry: host, repository: 'k', tag: 'v1' }, run);
      await remote.hasBlob({ registry: host, repository: 'k' }, blob, run);
      await createDownloader({ http: client }).head(`http://${host}/file`, run);
    }
    // A connection may be busy for one tick more when the next question comes.
    expect(connections).toBeLessThan(4);
  });
});
