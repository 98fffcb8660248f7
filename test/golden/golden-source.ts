import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { sharedPath } from '../helpers/real.ts';

/** The made-up source of the golden runs, served on one HTTP port, and the environment that leads an engine there. */
export interface GoldenSource {
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export async function startGoldenSource(): Promise<GoldenSource> {
  const tool = sharedPath('tools/golden-source');
  if (!tool) throw new Error('no golden source beside this checkout');
  const folder = await mkdtemp(path.join(os.tmpdir(), 'airlock-golden-'));
  const result = spawnSync('python3', [tool, 'up', folder, '--port', String(await freePortPair())], {
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`golden-source: ${result.stderr}`);
  const env = Object.fromEntries(
    [...result.stdout.matchAll(/^export (\w+)=(.*)$/gm)].map((match) => [match[1] ?? '', match[2] ?? '']),
  );
  return {
    env,
    async close() {
      spawnSync('python3', [tool, 'down', folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The tool takes a port and the one after it. */
async function freePortPair(): Promise<number> {
  for (;;) {
    const first = await listen(0);
    const port = (first.address() as net.AddressInfo).port;
    const second = await listen(port + 1).catch(() => undefined);
    await Promise.all(
      [first, ...(second ? [second] : [])].map((server) => new Promise((resolve) => server.close(resolve))),
    );
    if (second) return port;
  }
}

function listen(port: number): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
