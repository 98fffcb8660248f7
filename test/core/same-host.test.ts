import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sparePacing } from '../../src/core/same-host.ts';
import { findDescriptor, findZeroCopy, type ZeroCopy } from '../../src/core/zero-copy.ts';

const real = findZeroCopy();

interface Change {
  readonly name: string;
  /** Whether the kernel said yes. */
  readonly done: boolean;
}

/** How a server on a system with `usual` controls congestion with a client at `from`, and what was changed for that. */
async function connected(usual: string | undefined, from: string, refuse = false) {
  const changes: Change[] = [];
  const calls: ZeroCopy = {
    ...(real as ZeroCopy),
    congestionControl: () => usual,
    setCongestionControl: (socket, name) => {
      const done = !refuse && (real?.setCongestionControl(socket, name) ?? false);
      changes.push({ name, done });
      return done;
    },
  };
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  sparePacing(server, calls);
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const client = net.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', localAddress: from });
  const [socket] = await accepted;
  onTestFinished(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  return { changes, control: real?.congestionControl(findDescriptor(socket) ?? -1) };
}

async function systemControl(): Promise<string | undefined> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const name = real?.congestionControl(findDescriptor(server) ?? -1);
  server.close();
  return name;
}

describe.skipIf(!real)('a server on a system that paces its connections', () => {
  test.each(['bbr', 'bbr2'])('does not where both ends are on one host (%s)', async (usual) => {
    const { changes, control } = await connected(usual, '127.0.0.1');
    expect(control).toBe('reno');
    expect(changes).toEqual([{ name: 'reno', done: true }]);
  });

  test('gives a connection from another address back what the system says', async () => {
    const usual = (await systemControl()) ?? '';
    const { changes, control } = await connected(usual.startsWith('bbr') ? usual : 'bbr', '127.0.0.2');
    expect(changes.map(({ name }) => name)).toEqual(['reno', usual.startsWith('bbr') ? usual : 'bbr']);
    // Where the system has BBR, nobody needs rights for it.
    if (usual.startsWith('bbr')) expect(control).toBe(usual);
  });
});

describe.skipIf(!real)('a server is left alone', () => {
  test.each(['cubic', 'reno', undefined])('on a system that says %s', async (usual) => {
    const { changes, control } = await connected(usual, '127.0.0.1');
    expect(changes).toEqual([]);
    expect(control).toBe(await systemControl());
  });

  test('where the kernel refuses', async () => {
    const { changes, control } = await connected('bbr', '127.0.0.2', true);
    expect(changes).toEqual([{ name: 'reno', done: false }]);
    expect(control).toBe(await systemControl());
  });
});
