import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type BenchSet, benchSets, ensureSet, listImages, renderSyncList, scaleSet } from './bundle-sets.ts';
import { freePort, startRegistry } from './docker-registry.ts';
import { writtenBytes } from './written-bytes.ts';

// `airlock mirror` as a user calls it (planning included) beside skopeo sync and, where OC_MIRROR names it, oc-mirror, from one docker-registry to a
// fresh one. Rounds alternate between the tools, so that what else the machine does falls on all of them; ratios are those of the medians.

const { values } = parseArgs({
  options: {
    set: { type: 'string', default: 'all' },
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    work: { type: 'string', default: path.join(os.tmpdir(), 'airlock-bench-mirror') },
    label: { type: 'string', default: '' },
    only: { type: 'string', default: '' },
  },
});
const work = path.resolve(values.work);
const at = (name: string): string => path.join(work, name);

/** A program under test: called in a fresh folder, from `source` to `target`, both `host:port`. */
interface Contender {
  readonly name: string;
  command(set: BenchSet, source: string, target: string, folder: string): Promise<string>;
}

interface Sample {
  readonly set: string;
  readonly tool: string;
  readonly work: 'mirror' | 'again';
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly writtenBytes: number;
  readonly peakMiB: number;
}

function imageSetText(set: BenchSet, source: string): string {
  const images = listImages(set).map(({ repository, tag }) => `  - name: ${source}/${repository}:${tag}\n`);
  return `kind: ImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\nmirror:\n  additionalImages:\n${images.join('')}`;
}

function writeImageSet(set: BenchSet, source: string, folder: string): string {
  const file = path.join(folder, 'imageset.yaml');
  writeFileSync(file, imageSetText(set, source));
  return file;
}

const noTls = '--src-tls-verify=false --dest-tls-verify=false';

const contenders: readonly Contender[] = [
  {
    name: 'airlock',
    async command(set, source, target, folder) {
      const main = path.resolve('dist/cli/main.js');
      const file = writeImageSet(set, source, folder);
      return `node ${main} mirror -c ${file} docker://${target} ${noTls} --log-level warn`;
    },
  },
  {
    name: 'skopeo sync',
    async command(set, source, target, folder) {
      const list = path.join(folder, 'sync.yml');
      writeFileSync(list, renderSyncList(set, source));
      return `skopeo sync --src yaml --dest docker --dest-tls-verify=false ${list} ${target}`;
    },
  },
  {
    name: 'oc-mirror',
    async command(set, source, target, folder) {
      const file = writeImageSet(set, source, folder);
      const places = `--workspace file://${folder} docker://${target} --cache-dir ${folder} -p ${await freePort()}`;
      return `${process.env['OC_MIRROR']} --v2 -c ${file} ${places} ${noTls} --remove-signatures`;
    },
  },
];

function isInstalled({ name }: Contender): boolean {
  if (values.only !== '') return name.startsWith(values.only);
  if (name === 'oc-mirror') return Boolean(process.env['OC_MIRROR']);
  return name === 'airlock' || spawnSync('skopeo', ['--version']).status === 0;
}

/** Runs a command line; times and memory are those of the program and what it started. */
function measure(command: string, folder: string): Pick<Sample, 'seconds' | 'cpuSeconds' | 'writtenBytes' | 'peakMiB'> {
  const before = writtenBytes();
  const started = performance.now();
  const watched = `import os,resource,subprocess,sys\nr=subprocess.call(["/bin/sh","-c",sys.argv[1]],stdout=open("out.log","w"),stderr=subprocess.STDOUT)\nu=resource.getrusage(resource.RUSAGE_CHILDREN)\nprint(u.ru_utime+u.ru_stime,u.ru_maxrss)\nsys.exit(r)`;
  const { status, stdout, stderr } = spawnSync('python3', ['-c', watched, `exec ${command}`], {
    cwd: folder,
    encoding: 'utf8',
  });
  const seconds = (performance.now() - started) / 1000;
  if (status !== 0) {
    const said = `${stderr}${readFileSync(path.join(folder, 'out.log'), 'utf8')}`;
    throw new Error(`${command}\nended with ${status}:\n${said.slice(-2000)}`);
  }
  const [cpu = '', rssKib = ''] = stdout.trim().split(' ');
  return {
    seconds,
    cpuSeconds: Number(cpu),
    writtenBytes: writtenBytes() - before,
    peakMiB: Number(rssKib) / 1024,
  };
}

async function runRound(set: BenchSet, source: string, contender: Contender): Promise<Sample[]> {
  const storage = at('target');
  const folder = at('run');
  for (const one of [storage, folder]) rmSync(one, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const target = await startRegistry(storage, work);
  try {
    const samples: Sample[] = [];
    for (const step of ['mirror', 'again'] as const) {
      const command = await contender.command(set, source, target.host, folder);
      const sample = { set: set.name, tool: contender.name, work: step, ...measure(command, folder) };
      console.log(
        `${set.name}  ${`${contender.name}, ${step}`.padEnd(20)} ${sample.seconds.toFixed(2).padStart(8)} s  cpu ${sample.cpuSeconds.toFixed(2).padStart(6)} s  written ${(sample.writtenBytes / 1e6).toFixed(0).padStart(6)} MB  peak ${sample.peakMiB.toFixed(0).padStart(4)} MiB`,
      );
      samples.push(sample);
    }
    return samples;
  } finally {
    target.stop();
  }
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
}

async function benchSet(set: BenchSet): Promise<Sample[]> {
  const folder = at(`${set.name}-${set.images}-source`);
  await ensureSet(set, folder);
  const source = await startRegistry(folder, work);
  const samples: Sample[] = [];
  try {
    for (let round = 0; round < Number(values.rounds); round += 1)
      for (const contender of contenders.filter(isInstalled))
        samples.push(...(await runRound(set, source.host, contender)));
  } finally {
    source.stop();
  }
  return samples;
}

function summarise(samples: readonly Sample[]): object[] {
  const secondsOf = (set: string, tool: string, step: string): number =>
    median(
      samples.filter((one) => one.set === set && one.tool === tool && one.work === step).map((one) => one.seconds),
    );
  const keys = new Set(samples.map((one) => `${one.set}|${one.work}|${one.tool}`));
  return [...keys].sort().map((key) => {
    const [set = '', step = '', tool = ''] = key.split('|');
    const seconds = secondsOf(set, tool, step);
    const ratio = secondsOf(set, 'airlock', step) / seconds;
    console.log(
      `${set}  ${step.padEnd(7)} ${tool.padEnd(12)} median ${seconds.toFixed(2).padStart(7)} s  airlock takes ${ratio.toFixed(3)} of it`,
    );
    return { set, work: step, tool, seconds, airlockRatio: ratio };
  });
}

mkdirSync(work, { recursive: true });
const samples: Sample[] = [];
for (const set of benchSets)
  if (values.set === 'all' || values.set === set.name)
    samples.push(...(await benchSet(scaleSet(set, Number(values.scale)))));
const medians = summarise(samples);
if (values.label !== '') {
  const result = {
    node: process.version,
    cpus: os.cpus().length,
    loadAverage: os.loadavg(),
    scale: Number(values.scale),
  };
  writeFileSync(
    path.resolve('bench/results', `${values.label}.json`),
    `${JSON.stringify({ ...result, medians, samples }, null, 1)}\n`,
  );
}
