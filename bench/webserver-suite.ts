import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { chmod, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createCertificateAuthority, issueLeaf } from '../src/certs/index.ts';
import { quietRun } from '../src/core/run.ts';
import { parseBytes } from '../src/core/units.ts';
import { startWebServer } from '../src/webserver/index.ts';
import { childrenOf, cpuSeconds, endedCpuSeconds, median, peakMiB, push, writeTestFile } from './measure.ts';

// Our web server beside nginx with sendfile, both with one process that does the work, on one large file in the page cache: one reader, and 64
// readers of a 64th each. Rounds alternate between the two so that what else the machine does falls on both. The client is curl. On loopback the
// kernel does part of the sender's work on the reader's account, more or less of it by how far the reader is behind: so the CPU time of both is
// told too. With `--remote` the reader has another address than the server, and gets the congestion control that readers on other hosts get.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '2GiB' },
    rounds: { type: 'string', default: '5' },
    work: { type: 'string', default: path.join(os.tmpdir(), 'airlock-bench-webserver') },
    out: { type: 'string' },
    remote: { type: 'boolean', default: false },
  },
});
const [address, host, ...from] = values.remote
  ? ['127.0.0.1', '127.0.0.1', '--interface', '127.0.0.2']
  : ['::1', '[::1]'];
const work = path.resolve(values.work);
const at = (name: string): string => path.join(work, name);
const readers = 64;
const stalledReaders = 500;

/** Medians of one kind of reading. */
interface Row {
  readonly scheme: 'http' | 'https';
  readonly readers: number;
  readonly megabytesPerSecond: Readonly<Record<'airlock' | 'nginx', number>>;
  readonly megabytesPerCpuSecond: Readonly<Record<'airlock' | 'nginx', number>>;
  /** Of the server's and curl's together. */
  readonly megabytesPerCpuSecondOfBoth: Readonly<Record<'airlock' | 'nginx', number>>;
}

interface Contender {
  readonly name: 'airlock' | 'nginx';
  readonly child: ChildProcess;
  readonly ports: Readonly<Record<'http' | 'https', number>>;
  /** The processes whose CPU time and memory count. */
  readonly pids: () => Promise<readonly number[]>;
}

if (positionals[0] === 'serve') await serve(Number(positionals[1]), Number(positionals[2]));
else await main();

async function main(): Promise<void> {
  const sizeBytes = parseBytes(values.size);
  await mkdir(work, { recursive: true });
  await chmod(work, 0o755);
  await writeTestFile(at('large.iso'), sizeBytes);
  await writeCertificates();
  const contenders: Contender[] = [];
  try {
    contenders.push(await startAirlock());
    contenders.push(await startNginx());
    console.log(
      `${values.size} file, ${values.rounds} rounds, medians; ${os.cpus()[0]?.model.trim()}, ${os.cpus().length} CPUs, Node ${process.version}`,
    );
    console.log(
      '                      airlock MB/s   nginx MB/s   ratio   airlock MB per CPU s   nginx   ratio   with curl   nginx   ratio',
    );
    const rows: Row[] = [];
    for (const scheme of ['http', 'https'] as const)
      for (const count of [1, readers]) rows.push(await measure(contenders, scheme, count, sizeBytes));
    const peaks: Record<string, number> = {};
    for (const contender of contenders) {
      console.log(`peak resident memory of ${contender.name}: ${await peakMiB(await contender.pids())} MiB`);
      await holdReaders(contender);
      peaks[contender.name] = await peakMiB(await contender.pids());
      console.log(`  after ${stalledReaders} readers that stopped reading: ${peaks[contender.name]} MiB`);
    }
    if (values.out !== undefined) {
      const machine = { cpus: os.cpus().length, node: process.version, load: os.loadavg() };
      const result = {
        size: values.size,
        rounds: Number(values.rounds),
        remote: values.remote,
        ...machine,
        rows,
        peakMiBWithStalled: peaks,
      };
      await writeFile(values.out, `${JSON.stringify(result, undefined, 1)}\n`);
    }
  } finally {
    for (const { child } of contenders) child.kill('SIGTERM');
    await Promise.all(contenders.map(({ child }) => child.exitCode ?? once(child, 'exit')));
    await rm(work, { recursive: true, force: true });
  }
}

// Readers that ask for the whole file and take nothing: what each of them costs is the server's memory.
async function holdReaders(contender: Contender): Promise<void> {
  const sockets = Array.from({ length: stalledReaders }, () => {
    const socket = net.connect({ host: address, port: contender.ports.http }).pause();
    socket.on('error', () => {}).write('GET /large.iso HTTP/1.1\r\nHost: bench\r\n\r\n');
    return socket;
  });
  await delay(3000);
  for (const socket of sockets) socket.destroy();
}

async function measure(
  contenders: readonly Contender[],
  scheme: 'http' | 'https',
  count: number,
  sizeBytes: number,
): Promise<Row> {
  const speeds = new Map<string, number[]>();
  const costs = new Map<string, number[]>();
  const costsOfBoth = new Map<string, number[]>();
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const contender of contenders) {
      const cpuBefore = await cpuSeconds(await contender.pids());
      const clientBefore = endedCpuSeconds();
      const started = performance.now();
      download(`${scheme}://${host}:${contender.ports[scheme]}/large.iso`, count, sizeBytes);
      const megabytes = sizeBytes / 1e6;
      push(speeds, contender.name, megabytes / ((performance.now() - started) / 1000));
      const cost = (await cpuSeconds(await contender.pids())) - cpuBefore;
      push(costs, contender.name, megabytes / Math.max(0.01, cost));
      push(costsOfBoth, contender.name, megabytes / Math.max(0.01, cost + endedCpuSeconds() - clientBefore));
    }
  }
  const medians = (table: Map<string, number[]>) => ({
    airlock: median(table.get('airlock')),
    nginx: median(table.get('nginx')),
  });
  const [fast, cost, both] = [medians(speeds), medians(costs), medians(costsOfBoth)];
  const row = [
    fast.airlock.toFixed(0).padStart(12),
    fast.nginx.toFixed(0).padStart(12),
    (fast.airlock / fast.nginx).toFixed(2).padStart(8),
    cost.airlock.toFixed(0).padStart(20),
    cost.nginx.toFixed(0).padStart(10),
    (cost.airlock / cost.nginx).toFixed(2).padStart(7),
    both.airlock.toFixed(0).padStart(11),
    both.nginx.toFixed(0).padStart(7),
    (both.airlock / both.nginx).toFixed(2).padStart(7),
  ];
  console.log(
    `${scheme.padEnd(6)}${String(count).padStart(3)} ${count === 1 ? 'reader ' : 'readers'}    ${row.join(' ')}`,
  );
  return {
    scheme,
    readers: count,
    megabytesPerSecond: fast,
    megabytesPerCpuSecond: cost,
    megabytesPerCpuSecondOfBoth: both,
  };
}

function download(url: string, count: number, sizeBytes: number): void {
  const common = [
    '--silent',
    '--show-error',
    '--fail',
    '--globoff',
    '--noproxy',
    '*',
    '--cacert',
    at('ca.crt'),
    ...from,
  ];
  const ranges = Array.from({ length: count }, (_, index) => {
    const [first, last] = [Math.floor((index * sizeBytes) / count), Math.floor(((index + 1) * sizeBytes) / count) - 1];
    return [...common, ...(count === 1 ? [] : ['--range', `${first}-${last}`]), '--output', '/dev/null', url];
  });
  const args = ranges.flatMap((range, index) => (index === 0 ? range : ['--next', ...range]));
  const result = spawnSync(
    'curl',
    [...(count === 1 ? [] : ['--parallel', '--parallel-immediate', '--parallel-max', String(count)]), ...args],
    { encoding: 'utf8' },
  );
  if (result.status !== 0) throw new Error(`curl ended with ${result.status}: ${result.stderr}`);
}

async function startAirlock(): Promise<Contender> {
  const ports = await freePorts();
  const script = process.argv[1] ?? '';
  const child = spawn(
    process.execPath,
    [script, 'serve', String(ports.http), String(ports.https), ...process.argv.slice(2)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  if (child.stdout) await once(child.stdout, 'data');
  return { name: 'airlock', child, ports, pids: () => Promise.resolve([child.pid ?? 0]) };
}

async function serve(http: number, https: number): Promise<void> {
  const file = at('large.iso');
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  const listen = [
    { address, port: http },
    { address, port: https, tls: true },
  ];
  const tls = { cert: readFileSync(at('server.crt'), 'utf8'), key: readFileSync(at('server.key'), 'utf8') };
  const files = [{ path: '/large.iso', file, sizeBytes: (await stat(file)).size, sha256: hash.digest('hex') }];
  const server = await startWebServer({ listen, tls, files, title: 'bench' }, quietRun());
  process.once('SIGTERM', () => void server.close().then(() => process.exit(0)));
  await server.verified;
  console.log('ready');
}

async function startNginx(): Promise<Contender> {
  const ports = await freePorts();
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${at(`nginx-${name}`)};`)
    .join(' ');
  await writeFile(
    at('nginx.conf'),
    `daemon off; worker_processes 1; pid ${at('nginx.pid')}; error_log ${at('nginx.log')};
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; ${paths}
server { root ${work}; listen ${host}:${ports.http}; listen ${host}:${ports.https} ssl; ssl_certificate ${at('server.crt')}; ssl_certificate_key ${at('server.key')}; ssl_protocols TLSv1.2 TLSv1.3; } }
`,
  );
  const child = spawn('nginx', ['-c', at('nginx.conf'), '-p', work], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
  });
  for (
    let tries = 0;
    spawnSync('curl', ['-sfgI', '--noproxy', '*', `http://${host}:${ports.http}/large.iso`]).status !== 0;
    tries += 1
  ) {
    if (tries > 50) {
      child.kill('SIGKILL');
      throw new Error('nginx does not answer');
    }
    await delay(100);
  }
  const pids = async (): Promise<number[]> => [child.pid ?? 0, ...(await childrenOf(child.pid ?? 0))];
  return { name: 'nginx', child, ports, pids };
}

async function writeCertificates(): Promise<void> {
  const now = new Date();
  const ca = await createCertificateAuthority({ commonName: 'bench', validityDays: 1, now, keyBits: 2048 });
  const leaf = await issueLeaf({ ca, names: ['localhost'], addresses: ['::1', '127.0.0.1'], validityDays: 1, now });
  for (const [name, text] of [
    ['ca.crt', ca.certificatePem],
    ['server.crt', leaf.certificatePem],
    ['server.key', leaf.keyPem],
  ] as const)
    await writeFile(at(name), text);
}

// Both at once: one after the other may give the same port twice.
async function freePorts(): Promise<Contender['ports']> {
  const probes = [net.createServer(), net.createServer()];
  const ports: number[] = [];
  for (const probe of probes) {
    probe.listen(0, address);
    await once(probe, 'listening');
    const bound = probe.address();
    ports.push(typeof bound === 'object' && bound ? bound.port : 0);
  }
  for (const probe of probes) probe.close();
  return { http: ports[0] ?? 0, https: ports[1] ?? 0 };
}
