import net from 'node:net';
import { AirlockError, findErrno } from '../../core/errors.ts';
import { hostPort } from '../../core/ip.ts';
import { findPortHolder } from '../../core/port-holder.ts';

/**
 * Fails when another program has a port that a registry is about to take on every address: a container would start, end and start again
 * without a word, and services that run would be stopped for nothing.
 * @throws AirlockError LISTEN_FAILED
 */
export async function assertPortFree(port: number): Promise<void> {
  for (const host of ['0.0.0.0', '::']) {
    const error = await tryListen(host, port);
    if (findErrno(error) !== 'EADDRINUSE') continue;
    const holder = await findPortHolder(port);
    throw new AirlockError(
      'LISTEN_FAILED',
      `${holder ?? 'another program'} listens on port ${port} (${hostPort(host, port)})`,
      { hint: `find it with "ss -ltnp sport = :${port}" and stop it, or choose another registry.port` },
    );
  }
}

function tryListen(host: string, port: number): Promise<unknown> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', resolve);
    server.listen({ host, port, ipv6Only: host === '::' }, () => server.close(() => resolve(undefined)));
  });
}
