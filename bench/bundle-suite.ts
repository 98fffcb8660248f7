import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  type Bundle,
  buildBundle,
  loadIntoStorage,
  openBundle,
  openBundleSource,
  openBundleStore,
  readHistory,
  verifyBundle,
} from '../src/bundle/index.ts';
import '../src/cli/compile-less.ts';
import { createHttp } from '../src/core/http.ts';
import { mapLimited } from '../src/core/limit.ts';
import { quietRun } from '../src/core/run.ts';
import {
  contentFromSource,
  copyToTarget,
  createRemote,
  manifestBlobs,
  parseManifest,
  type Source,
  type Target,
} from '../src/oci/index.ts';
import {
  assemblePlan,
  type CollectedManifest,
  openKeptBlobs,
  type Plan,
  type SelectedImage,
} from '../src/plan/index.ts';
import { pullSet, serveBundle } from './bundle-serve.ts';
import {
  type BenchSet,
  benchSets,
  ensureSet,
  listImages,
  renderImageSet,
  renderRegsync,
  renderSyncList,
  scaleSet,
} from './bundle-sets.ts';
import { registryCpuSeconds, startRegistry } from './docker-registry.ts';
import { writtenBytes } from './written-bytes.ts';

/** One measured row. */
interface Row {
  readonly set: string;
  readonly work: string;
  readonly seconds: number;
  /** Of our own process, or of the peer: what is left of a figure on a machine that others use too. */
  readonly cpuSeconds: number;
  /** Of the registries that it talks to: on the same cores, so this bounds the row from below. */
  readonly registryCpuSeconds: number;
  readonly writtenBytes: number;
  readonly peakMiB: number;
}

const { values } = parseArgs({
  options: {
    set: { type: 'string', default: 'all' },
    work: { type: 'string', default: path.join(os.tmpdir(), 'airlock-bench-work') },
    skopeo: { type: 'boolean', default: false },
    regsync: { type: 'string', default: '' },
    label: { type: 'string', default: 'run' },
    only: { type: 'string', default: '' },
    scale: { type: 'string', default: '1' },
  },
});
const work = values.work;
const run = quietRun();
const rows: Row[] = [];

async function measure<T>(set: BenchSet, title: string, task: () => Promise<T>, memory = true): Promise<T> {
  const before = writtenBytes();
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const cpuBefore = process.cpuUsage();
  const registryBefore = registryCpuSeconds();
  const started = performance.now();
  const result = await task();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuSeconds = typeof result === 'number' ? result : (user + system) / 1e6;
  clearInterval(timer);
  const row = {
    set: set.name,
    work: title,
    seconds,
    cpuSeconds,
    registryCpuSeconds: registryCpuSeconds() - registryBefore,
    writtenBytes: writtenBytes() - before,
    peakMiB: memory ? peak / 2 ** 20 : 0,
  };
  rows.push(row);
  console.log(
    `${row.set}  ${row.work.padEnd(44)} ${seconds.toFixed(2).padStart(8)} s  cpu ${cpuSeconds.toFixed(2).padStart(6)} s  registry ${row.registryCpuSeconds.toFixed(1).padStart(5)} s  written ${(row.writtenBytes / 1e6).toFixed(0).padStart(6)} MB${memory ? `  peak ${row.peakMiB.toFixed(0)} MiB` : ''}`,
  );
  return result;
}

/** A command of the shell, with its CPU time. */
function measureShell(set: BenchSet, title: string, command: string): Promise<number> {
  const run = async (): Promise<number> => {
    const timed = `TIMEFORMAT='cpu %U %S'; time ( ${command} >/dev/null 2>&1 )`;
    const { status, stderr } = spawnSync('bash', ['-c', timed], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${title} failed`);
    const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(stderr) ?? [];
    return Number(user) + Number(system);
  };
  return measure(set, title, run, false);
}

/** What the mirror engine does for additional images: every tag resolved, every manifest read and kept. */
async function planSet(
  set: BenchSet,
  host: string,
  source: Source,
  folder: string,
  kept = openKeptBlobs(path.join(folder, '.airlock')),
): Promise<Plan> {
  const workspace = path.join(folder, '.airlock');
  const manifests = new Map<string, CollectedManifest>();
  const images = await mapLimited(listImages(set), 8, async ({ repository, tag }): Promise<SelectedImage> => {
    const { bytes, digest, mediaType } = await source.fetchManifest({ registry: host, repository, tag }, run);
    await kept.put(bytes, run);
    const blobs = manifestBlobs(parseManifest(bytes, mediaType));
    manifests.set(digest, {
      digest,
      mediaType,
      size: bytes.length,
      manifests: [],
      blobs,
      sources: [`${host}/${repository}`],
    });
    const origin = `${host}/${repository}:${tag}`;
    const targets = [{ repository, tag }];
    return {
      type: 'generic',
      origin,
      source: `${host}/${repository}@${digest}`,
      repository,
      tag,
      targets,
      digest,
      mediaType,
      absent: [],
      signature: 'unsigned',
      reason: 'bench',
    };
  });
  await kept.settle(run);
  const history = await readHistory(workspace, run);
  const facts = { images, manifests, releases: [], catalogs: [], files: [], missing: [], notes: [] };
  return assemblePlan(facts as never, {
    now: new Date('2026-11-20T10:00:00Z'),
    toolVersion: 'bench',
    engine: 'builtin',
    generation: history.next,
    ...(history.parent ? { parent: history.parent } : {}),
    carriedBlobs: history.carriedBlobs,
    carriedFiles: history.carriedFiles,
    imageSetDigest: `sha256:${'0'.repeat(64)}` as never,
    volumeSizeBytes: 500 * 2 ** 30,
  });
}

function blobSources(source: Source): Parameters<typeof buildBundle>[0]['sources'] {
  const split = (text = ''): { registry: string; repository: string } => {
    const [registry = '', ...rest] = text.split('/');
    return { registry, repository: rest.join('/') };
  };
  return {
    openBlob: (blob, offset) => source.fetchBlob(split(blob.sources[0]), blob, offset, run),
    pourBlob: async (blob, sink) => source.pourBlob?.(split(blob.sources[0]), blob, sink, run),
    openFile: () => Promise.reject(new Error('no files here')),
  };
}

function createClient(): { readonly remote: Source & Target; close(): Promise<void> } {
  // As the command line has it: eight large blobs, or four times as many small requests.
  const http = createHttp({ insecure: true, connectionsPerHost: 32 });
  return { remote: createRemote({ http, tlsVerify: false, retry: { retryTimes: 2 } }), close: () => http.close() };
}

async function benchBuild(set: BenchSet, host: string, folder: string): Promise<Bundle> {
  const client = createClient();
  await rm(folder, { recursive: true, force: true });
  await measure(set, 'build (plan, fill, read back)', async () => {
    const kept = openKeptBlobs(path.join(folder, '.airlock'));
    const plan = await planSet(set, host, client.remote, folder, kept);
    const planned = performance.now();
    const outcome = await buildBundle(
      { plan, folder, kept, sources: blobSources(client.remote), parallelBlobs: 8 },
      run,
    );
    if (outcome.kind !== 'sealed') throw new Error(`build ended ${outcome.kind}`);
    console.log(`     of it after planning ${((performance.now() - planned) / 1000).toFixed(2)} s`);
  });
  await measure(set, 'build again, nothing new', async () => {
    const plan = await planSet(set, host, client.remote, folder);
    if (plan.blobs.length > 0) throw new Error('the second plan carries blobs');
  });
  await client.close();
  const [bundle] = await openBundle(folder, run);
  if (!bundle) throw new Error('no bundle');
  return bundle;
}

/** The whole command over a set of which everything is carried: start of the program, look-ups of every tag, plan. */
async function benchCommand(set: BenchSet, host: string): Promise<void> {
  const config = path.join(work, `${set.name}.yaml`);
  const folder = path.join(work, `${set.name}-command`);
  await writeFile(config, renderImageSet(set, host));
  await rm(folder, { recursive: true, force: true });
  const main = path.resolve('dist/cli/main.js');
  const command = `${process.execPath} ${main} build -c ${config} --engine builtin --src-tls-verify=false ${folder}`;
  await measureShell(set, 'airlock build, the whole command', command);
  await measureShell(set, 'airlock build again, nothing new', command);
  await rm(folder, { recursive: true, force: true });
}

async function benchLoads(set: BenchSet, bundle: Bundle): Promise<void> {
  await measure(set, 'verify', async () => {
    const report = await verifyBundle(bundle, {}, run);
    if (!report.whole) throw new Error('not whole');
  });
  const storageRoot = path.join(work, `${set.name}-storage`);
  const stateFolder = path.join(work, `${set.name}-state`);
  for (const folder of [storageRoot, stateFolder]) await rm(folder, { recursive: true, force: true });
  await measure(set, 'load into storage', () => loadIntoStorage({ bundle, storageRoot, stateFolder }, run));
  await measure(set, 'load into storage again, nothing new', async () => {
    const outcome = await loadIntoStorage({ bundle, storageRoot, stateFolder }, run);
    if (outcome.kind !== 'nothing-new') throw new Error(outcome.kind);
  });
  await rm(storageRoot, { recursive: true, force: true });
  await rm(stateFolder, { recursive: true, force: true });
  const target = path.join(work, `${set.name}-target`);
  await rm(target, { recursive: true, force: true });
  const registry = await startRegistry(target, work);
  const client = createClient();
  for (const title of ['load over HTTP', 'load over HTTP again, nothing new']) {
    await measure(set, title, async () => {
      const store = await openBundleStore([bundle], {}, run);
      const source = openBundleSource(store);
      const locate = (repository: string): { registry: string; repository: string }[] => [
        { registry: 'bundle', repository },
      ];
      const content = contentFromSource({ source, repositories: store.repositories, locate });
      const result = await copyToTarget(
        content,
        { target: client.remote, registry: registry.host, prefix: '', stage: 'load' },
        run,
      );
      await store.close();
      if (result.failures.length > 0) throw new Error(String(result.failures[0]?.error));
    });
  }
  await client.close();
  registry.stop();
  await rm(target, { recursive: true, force: true });
}

/** Pulls of the whole set: from the bundle where it lies, and from docker-registry over its unpacked storage. */
async function benchServe(set: BenchSet, host: string, bundle: Bundle): Promise<void> {
  const served = await serveBundle(bundle.folder);
  try {
    // Once before, so that both are read out of the page cache.
    await pullSet(set, served.host);
    await measure(set, 'pull from the bundle served in place', () => pullSet(set, served.host));
  } finally {
    served.stop();
  }
  await pullSet(set, host);
  await measure(set, 'pull from docker-registry', () => pullSet(set, host));
}

async function benchPeers(set: BenchSet, host: string, bundle: Bundle): Promise<void> {
  const shell = (title: string, command: string): Promise<number> => measureShell(set, title, command);
  const volume = bundle.volumes[0]?.path ?? '';
  const copy = path.join(work, 'copy');
  await shell('cp of the volume', `cp ${volume} ${copy} && sync ${copy}`);
  await shell('openssl dgst -sha256 of the volume', `openssl dgst -sha256 ${volume}`);
  await shell(
    'tar -x of the volume',
    `rm -rf ${copy} && mkdir ${copy} && tar -xf ${volume} -C ${copy} && sync -f ${copy}`,
  );
  await rm(copy, { recursive: true, force: true });
  const toFresh = async (title: string, command: (target: string) => Promise<string>): Promise<void> => {
    const target = path.join(work, `${set.name}-peer`);
    const registry = await startRegistry(target, work);
    await shell(title, await command(registry.host));
    registry.stop();
    await rm(target, { recursive: true, force: true });
  };
  const file = path.join(work, 'sync.yml');
  if (values.skopeo) {
    await toFresh('skopeo sync, registry to registry', async (target) => {
      await writeFile(file, renderSyncList(set, host));
      return `skopeo sync --src yaml --dest docker --dest-tls-verify=false ${file} ${target}`;
    });
  }
  if (values.regsync) {
    await toFresh('regsync, registry to registry, 4 parallel', async (target) => {
      await writeFile(file, renderRegsync(set, host, target));
      return `${values.regsync} once -c ${file}`;
    });
  }
}

/** Each row of ours beside the peers that ran, and what reached the disk for a byte of the bundle. */
function printRatios(set: BenchSet, payloadBytes: number): void {
  const own = rows.filter((row) => row.set === set.name);
  const seconds = (...names: string[]): number =>
    own.filter(({ work }) => names.some((name) => work.startsWith(name))).reduce((sum, row) => sum + row.seconds, 0);
  const peers = {
    'skopeo sync': seconds('skopeo'),
    regsync: seconds('regsync'),
    'cp and openssl': seconds('cp ', 'openssl'),
    'tar -x': seconds('tar '),
  };
  const ran = Object.entries(peers).filter(([, time]) => time > 0);
  console.log(`\n${set.name}  ratios of one run`);
  for (const row of own.filter(({ work }) => /build|verify|load|pull/.test(work))) {
    const ratios = ran.map(([name, time]) => `${(row.seconds / time).toFixed(2)} of ${name}`);
    const written = `${(row.writtenBytes / payloadBytes).toFixed(2)} bytes written per byte`;
    console.log(`${set.name}  ${row.work.padEnd(44)} ${[...ratios, written].join(', ')}`);
  }
}

async function main(): Promise<void> {
  await mkdir(work, { recursive: true });
  for (const whole of benchSets) {
    if (values.set !== 'all' && values.set !== whole.name) continue;
    const set = scaleSet(whole, Number(values.scale));
    const source = path.join(work, `${set.name}-source`);
    await ensureSet(set, source);
    const registry = await startRegistry(source, work);
    try {
      const bundle = await benchBuild(set, registry.host, path.join(work, `${set.name}-bundles`));
      if (values.only === '' || values.only === 'command') await benchCommand(set, registry.host);
      if (values.only === '' || values.only === 'loads') await benchLoads(set, bundle);
      if (values.only === '' || values.only === 'serve') await benchServe(set, registry.host, bundle);
      if (values.only === '') await benchPeers(set, registry.host, bundle);
      printRatios(
        set,
        bundle.volumes.reduce((sum, volume) => sum + volume.sizeBytes, 0),
      );
    } finally {
      registry.stop();
    }
  }
  const file = `${values.label}.json`;
  writeFileSync(
    path.join(process.cwd(), 'bench', 'results', file),
    `${JSON.stringify({ node: process.version, cpus: os.cpus().length, rows }, null, 1)}\n`,
  );
}

void main();
