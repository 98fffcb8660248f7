import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { quietRun } from '../src/core/run.ts';
import { parseBytes } from '../src/core/units.ts';
import { openStorage } from '../src/oci/index.ts';
import { parseHtpasswd, renderHtpasswd, startEmbeddedRegistry } from '../src/registry/index.ts';
import { cpuSeconds, median, writeTestFile } from './measure.ts';

// Our embedded registry beside the CNCF distribution registry (Debian's docker-registry), both over plain HTTP with the same htpasswd user: push and
// pull of a large blob, many small requests. Rounds alternate between the two. The client is curl for blobs and this process for the rest.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '512MiB' },
    rounds: { type: 'string', default: '3' },
    work: { type: 'string', default: path.join(os.tmpdir(), 'airlock-bench-registry') },
    out: { type: 'string' },
  },
});
const work = path.resolve(values.work);
const at = (name: string): string => path.join(work, name);
const [user, password] = ['bench', 'a-long-password-of-the-bench'];
const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const requests = 2000;
const smallBlobs = 200;

interface Contender {
  readonly name: 'airlock' | 'distribution';
  readonly child: ChildProcess;
  readonly url: string;
  readonly agent: http.Agent;
}

interface Row {
  readonly work: string;
  readonly seconds: Readonly<Record<string, number>>;
  readonly cpuSeconds: Readonly<Record<string, number>>;
}

if (positionals[0] === 'serve') await serve(Number(positionals[1]));
else await main();

async function main(): Promise<void> {
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  await writeTestFile(at('blob'), parseBytes(values.size));
  await writeFile(at('htpasswd'), await renderHtpasswd(user, password));
  const digest = await digestOfFile(at('blob'));
  const contenders: Contender[] = [];
  try {
    contenders.push(await startAirlock(), await startDistribution());
    console.log(
      `${values.size} blob, ${values.rounds} rounds, medians; ${os.cpus().length} CPUs, Node ${process.version}`,
    );
    console.log(
      '                                   airlock s   distribution s   ratio   airlock CPU s   distribution   ratio',
    );
    const rows: Row[] = [];
    const measure = async (title: string, one: (contender: Contender, round: number) => Promise<void>) =>
      rows.push(await compare(contenders, title, one));
    await measure('push of one blob', (contender, round) => pushLarge(contender, `kitchen/${round}`, digest));
    for (const contender of contenders) await pushImage(contender, 'kitchen/0', digest);
    const blob = `/v2/kitchen/0/blobs/${digest}`;
    await measure('pull by one client', async (contender) => pull(contender, blob, 1));
    await measure('pull by eight clients', async (contender) => pull(contender, blob, 8));
    await measure(`GET manifest, ${requests} times`, (contender) =>
      askOften(contender, 'GET', '/v2/kitchen/0/manifests/v1'),
    );
    await measure(`HEAD blob, ${requests} times`, (contender) => askOften(contender, 'HEAD', blob));
    await measure(`push of ${smallBlobs} small blobs`, (contender, round) => pushSmall(contender, round));
    if (values.out !== undefined) {
      const machine = { cpus: os.cpus().length, node: process.version, load: os.loadavg() };
      const result = { size: values.size, rounds: Number(values.rounds), ...machine, rows };
      await writeFile(values.out, `${JSON.stringify(result, undefined, 1)}\n`);
    }
  } finally {
    for (const { child, agent } of contenders) {
      agent.destroy();
      child.kill('SIGTERM');
    }
    await Promise.all(contenders.map(({ child }) => child.exitCode ?? once(child, 'exit')));
    await rm(work, { recursive: true, force: true });
  }
}

async function compare(
  contenders: readonly Contender[],
  title: string,
  one: (contender: Contender, round: number) => Promise<void>,
): Promise<Row> {
  const seconds: Record<string, number[]> = {};
  const cpu: Record<string, number[]> = {};
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const contender of contenders) {
      const pids = [contender.child.pid ?? 0];
      const [started, before] = [performance.now(), await cpuSeconds(pids)];
      await one(contender, round);
      seconds[contender.name] = [...(seconds[contender.name] ?? []), (performance.now() - started) / 1000];
      cpu[contender.name] = [...(cpu[contender.name] ?? []), (await cpuSeconds(pids)) - before];
    }
  }
  const medians = (table: Record<string, number[]>) => ({
    airlock: median(table['airlock']),
    distribution: median(table['distribution']),
  });
  const [time, cost] = [medians(seconds), medians(cpu)];
  const cells = [time.airlock, time.distribution, time.airlock / time.distribution].map((cell) => cell.toFixed(2));
  const costs = [cost.airlock, cost.distribution, cost.airlock / cost.distribution].map((cell) => cell.toFixed(2));
  const widths = [12, 17, 8, 16, 15, 8];
  console.log(title.padEnd(32) + [...cells, ...costs].map((cell, index) => cell.padStart(widths[index] ?? 8)).join(''));
  return { work: title, seconds: time, cpuSeconds: cost };
}

function curl(args: readonly string[]): string {
  const common = ['--silent', '--show-error', '--fail', '--noproxy', '*', '--user', `${user}:${password}`];
  return execFileSync('curl', [...common, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

async function pushLarge(contender: Contender, repository: string, digest: string): Promise<void> {
  const location = await startUpload(contender, repository);
  const head = ['--output', '/dev/null', '--dump-header', '-', '--header', 'Expect:'];
  const type = ['--header', 'Content-Type: application/octet-stream'];
  const answer = curl([...head, ...type, '--request', 'PATCH', '--upload-file', at('blob'), location]);
  const next = /^location: (.*)$/im.exec(answer)?.[1]?.trim() ?? '';
  await finishUpload(contender, new URL(next, contender.url).href, digest, Buffer.alloc(0));
}

async function startUpload(contender: Contender, repository: string): Promise<string> {
  const { headers } = await ask(contender, 'POST', `/v2/${repository}/blobs/uploads/`);
  return new URL(headers.location ?? '', contender.url).href;
}

async function finishUpload(contender: Contender, location: string, digest: string, body: Buffer): Promise<void> {
  const url = new URL(location);
  url.searchParams.set('digest', digest);
  await ask(contender, 'PUT', `${url.pathname}${url.search}`, body, 'application/octet-stream');
}

async function pushBlob(contender: Contender, repository: string, body: Buffer): Promise<string> {
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
  await finishUpload(contender, await startUpload(contender, repository), digest, body);
  return digest;
}

async function pushImage(contender: Contender, repository: string, layer: string): Promise<void> {
  const config = await pushBlob(contender, repository, Buffer.from('{}'));
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = {
    schemaVersion: 2,
    mediaType: type,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: 2 },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: layer, size: parseBytes(values.size) }],
  };
  await ask(contender, 'PUT', `/v2/${repository}/manifests/v1`, Buffer.from(JSON.stringify(manifest)), type);
}

async function pushSmall(contender: Contender, round: number): Promise<void> {
  for (let index = 0; index < smallBlobs; index += 1)
    await pushBlob(contender, `small/${round}`, Buffer.from(`${contender.name} ${round} ${index} `.repeat(50)));
}

function pull(contender: Contender, blob: string, clients: number): void {
  const one = ['--output', '/dev/null', `${contender.url}${blob}`];
  const more = ['--silent', '--fail', '--noproxy', '*', '--user', `${user}:${password}`, ...one];
  const rest = Array.from({ length: clients - 1 }, () => ['--next', ...more]).flat();
  curl([...(clients > 1 ? ['--parallel', '--parallel-immediate'] : []), ...one, ...rest]);
}

async function askOften(contender: Contender, method: string, target: string): Promise<void> {
  let left = requests;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await ask(contender, method, target);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

function ask(contender: Contender, method: string, target: string, body?: Buffer, type?: string) {
  return new Promise<http.IncomingMessage>((resolve, reject) => {
    const headers = {
      authorization,
      accept: 'application/vnd.oci.image.manifest.v1+json',
      'content-length': body?.length ?? 0,
      ...(type ? { 'content-type': type } : {}),
    };
    const request = http.request(
      `${contender.url}${target}`,
      { method, agent: contender.agent, headers },
      (response) => {
        response.resume().once('end', () => {
          if ((response.statusCode ?? 500) < 400) resolve(response);
          else reject(new Error(`${contender.name}: ${method} ${target} answers ${response.statusCode}`));
        });
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}

async function startAirlock(): Promise<Contender> {
  const port = await freePort();
  const script = process.argv[1] ?? '';
  const child = spawn(process.execPath, [script, 'serve', String(port), '--work', work], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout) await once(child.stdout, 'data');
  return { name: 'airlock', child, url: `http://127.0.0.1:${port}`, agent: new http.Agent({ keepAlive: true }) };
}

async function serve(port: number): Promise<void> {
  const htpasswd = parseHtpasswd(await readFile(at('htpasswd'), 'utf8'));
  const listen = [{ host: '127.0.0.1', port }];
  await mkdir(at('airlock'), { recursive: true });
  const registry = await startEmbeddedRegistry({ store: openStorage(at('airlock')), listen, htpasswd }, quietRun());
  process.once('SIGTERM', () => void registry.close(0).then(() => process.exit(0)));
  console.log('ready');
}

async function startDistribution(): Promise<Contender> {
  const port = await freePort();
  await writeFile(
    at('distribution.yml'),
    `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${at('distribution')}}, delete: {enabled: true}}
http: {addr: "127.0.0.1:${port}"}
auth: {htpasswd: {realm: bench, path: ${at('htpasswd')}}}
`,
  );
  const env = { ...process.env, OTEL_TRACES_EXPORTER: 'none' };
  const child = spawn('docker-registry', ['serve', at('distribution.yml')], { stdio: 'ignore', env });
  const contender = {
    name: 'distribution' as const,
    child,
    url: `http://127.0.0.1:${port}`,
    agent: new http.Agent({ keepAlive: true }),
  };
  for (let tries = 0; tries < 100; tries += 1) {
    const answered = await ask(contender, 'GET', '/v2/').then(
      () => true,
      () => false,
    );
    if (answered) return contender;
    await delay(100);
  }
  child.kill('SIGKILL');
  throw new Error('docker-registry does not answer');
}

async function digestOfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}

async function freePort(): Promise<number> {
  const probe = net.createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}
