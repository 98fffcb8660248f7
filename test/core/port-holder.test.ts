import { createSocket } from 'node:dgram';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findPortHolder, portHolderNote } from '../../src/core/port-holder.ts';

describe('who listens on a port', () => {
  test.each(['127.0.0.1', '::1'])('is named with its process, on TCP at %s', async (host) => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const { port } = server.address() as AddressInfo;
    expect(await findPortHolder(port)).toMatch(new RegExp(`^\\S.* \\(process ${process.pid}\\)$`));
    await new Promise((resolve) => server.close(resolve));
    expect(await findPortHolder(port)).toBeUndefined();
    expect(await portHolderNote(port)).toBe('');
  });

  test('is named on UDP', async () => {
    const socket = createSocket('udp4');
    onTestFinished(() => void socket.close());
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    expect(await portHolderNote(socket.address().port)).toContain(`(process ${process.pid}) has the port`);
  });

  test('is not a client whose own port has the number', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    await new Promise<void>((resolve) => client.once('connect', () => resolve()));
    onTestFinished(() => {
      client.destroy();
      server.close();
    });
    expect(await findPortHolder(client.localPort ?? 0)).toBeUndefined();
  });
});
