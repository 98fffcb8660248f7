import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { sharedPath } from '../helpers/real.ts';

/** The made-up source of the golden runs, served on one HTTP port, and the environment that leads an engine there. */
export interface GoldenSource {
  /** Where the charts of `https://charts.example.com` are served; their index names this address. */
  readonly chartsUrl: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the source registry serves: a test may move a tag there. */
  readonly storage: string;
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
  env['AIRLOCK_GRAPH_URL'] = (env['UPDATE_URL_OVERRIDE'] ?? '').replace(/(?:\/v1)?\/graph$/, '/graph-data');
  const charts = await serveCharts();
  return {
    env,
    chartsUrl: charts.url,
    storage: path.join(folder, 'storage'),
    async close() {
      await charts.close();
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

/** The Helm repository with its own address in place of the golden one: chart URLs in an index are absolute. */
async function serveCharts(): Promise<{ url: string; close(): Promise<void> }> {
  const root = sharedPath('golden/source/web/charts.example.com') ?? '';
  let url = '';
  const server = http.createServer(async (request, response) => {
    const file = path.join(root, path.normalize(`/${(request.url ?? '').split('?')[0]}`));
    const content = await readFile(file).catch(() => undefined);
    if (!content) return void response.writeHead(404).end();
    response.end(file.endsWith('.yaml') ? content.toString().replaceAll('https://charts.example.com', url) : content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
  return { url, close: () => new Promise((resolve) => void server.close(() => resolve())) };
}
