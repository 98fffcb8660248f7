import net from 'node:net';

/** A TCP port that nothing listens on. Somebody may still take it before it is used: then another one is chosen. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    // All interfaces, as the binary will listen.
    const server = net.createServer().unref();
    server.once('error', reject);
    server.listen({ port: 0 }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
