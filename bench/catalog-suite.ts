import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { parseImageSet } from '../src/config/index.ts';
import { quietRun } from '../src/core/run.ts';
import { formatBytes, parseBytes } from '../src/core/units.ts';
import { collectImageSet } from '../src/mirror/index.ts';
import { tarEnd, tarHeader, tarPadding } from '../src/mirror/layer/tar-writer.ts';
import { mediaTypes, type Source } from '../src/oci/index.ts';
import { openKeptBlobs } from '../src/plan/index.ts';

// What it costs to filter a large catalog: each selection in a process of its own, from a folder, so that neither network nor registry counts. The
// made-up catalog has the shape of a real one: hundreds of packages, and most of its bytes in the metadata of bundles. Images are blocked.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '1GiB' },
    work: { type: 'string', default: path.join(os.tmpdir(), 'airlock-bench-catalog') },
  },
});
const work = path.resolve(values.work);
const folder = path.join(work, `catalog-${values.size}`);
const packages = Array.from({ length: 200 }, (_, at) => `operator-${String(at).padStart(3, '0')}`);
const bundleBytes = 48 << 10;
const selections: Readonly<Record<string, object>> = {
  'one package': { packages: [{ name: packages[7] }] },
  'heads of all': {},
  'a range of all': { packages: packages.map((name) => ({ name, minVersion: '1.0.3' })) },
  'all of all': { full: true, packages: packages.map((name) => ({ name })) },
};

const [selection] = positionals;
if (selection === undefined) await main();
else await filter(selections[selection] ?? {});

async function main(): Promise<void> {
  const sizeBytes = parseBytes(values.size);
  if (sizeBytes < 128 << 20)
    throw new Error('--size has to be 128MiB or more: packages of less have no version that the ranges select');
  if (!(await stat(path.join(folder, 'index.json')).catch(() => undefined))) await writeCatalog(sizeBytes);
  console.log(
    `catalog of ${formatBytes(sizeBytes)}; ${os.cpus().length} CPUs, Node ${process.version}, load ${os.loadavg()[0]}`,
  );
  console.log('selection         seconds   CPU s   peak MiB   filtered');
  for (const name of Object.keys(selections)) {
    const child = spawnSync(
      process.execPath,
      [...process.execArgv, process.argv[1] ?? '', '--size', values.size, '--work', work, name],
      {
        encoding: 'utf8',
      },
    );
    if (child.status !== 0) throw new Error(`${name}: ${child.stderr}`);
    const { seconds, cpuSeconds, peakMiB, filteredBytes } = JSON.parse(child.stdout);
    const cells = [seconds.toFixed(1).padStart(8), cpuSeconds.toFixed(1).padStart(7), String(peakMiB).padStart(10)];
    console.log(`${name.padEnd(16)} ${cells.join(' ')}   ${formatBytes(filteredBytes)}`);
  }
}

async function filter(selection: object): Promise<void> {
  const workspace = path.join(work, 'workspace');
  await rm(workspace, { recursive: true, force: true });
  const mirror = {
    operators: [{ catalog: `oci://${folder}`, targetCatalog: 'bench/catalog', targetTag: 'v1', ...selection }],
    blockedImages: [{ name: 'registry.example.com' }],
  };
  const { value: imageSet } = parseImageSet(JSON.stringify({ kind: 'ImageSetConfiguration', mirror }), 'isc.yaml');
  if (!imageSet) throw new Error('the configuration is not right');
  const nowhere = (): never => {
    throw new Error('nothing is asked of a registry');
  };
  const source: Source = {
    resolve: nowhere,
    fetchManifest: nowhere,
    fetchBlob: nowhere,
    listTags: nowhere,
    listReferrers: nowhere,
  };
  const http = { getUrl: nowhere, headUrl: nowhere };
  const started = performance.now();
  const set = await collectImageSet(
    { imageSet, source, http, kept: openKeptBlobs(workspace), options: {} },
    quietRun(),
  );
  const seconds = (performance.now() - started) / 1000;
  const [missing] = set.missing;
  if (missing) throw new Error(missing.cause);
  const usage = process.resourceUsage();
  const files = set.files.filter((file) => file.path.includes('/filtered-catalogs/'));
  console.log(
    JSON.stringify({
      seconds,
      cpuSeconds: (usage.userCPUTime + usage.systemCPUTime) / 1e6,
      peakMiB: Math.round(usage.maxRSS / 1024),
      filteredBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    }),
  );
  await rm(workspace, { recursive: true, force: true });
}

/** Writes an OCI layout with one image: a layer with a file for each package. */
async function writeCatalog(sizeBytes: number): Promise<void> {
  const blobs = path.join(folder, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  const put = async (value: object): Promise<{ digest: string; size: number }> => {
    const bytes = Buffer.from(JSON.stringify(value));
    const hex = createHash('sha256').update(bytes).digest('hex');
    await writeFile(path.join(blobs, hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  const [inside, outside] = [createHash('sha256'), createHash('sha256')];
  const gzip = createGzip({ level: 1 });
  gzip.on('data', (chunk: Buffer) => outside.update(chunk));
  const temporary = path.join(work, 'layer');
  const tar = Readable.from(tarBlocks(sizeBytes)).on('data', (chunk: Buffer) => inside.update(chunk));
  const file = createWriteStream(temporary);
  await pipeline(tar, gzip, file);
  if (!file.closed) await once(file, 'close');
  const hex = outside.digest('hex');
  await rename(temporary, path.join(blobs, hex));
  const labels = { 'operators.operatorframework.io.index.configs.v1': '/configs' };
  const config = await put({
    architecture: 'amd64',
    os: 'linux',
    config: { Labels: labels },
    rootfs: { type: 'layers', diff_ids: [`sha256:${inside.digest('hex')}`] },
  });
  const layer = {
    mediaType: mediaTypes.ociLayerGzip,
    digest: `sha256:${hex}`,
    size: (await stat(path.join(blobs, hex))).size,
  };
  const manifest = await put({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, ...config },
    layers: [layer],
  });
  await writeFile(
    path.join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: mediaTypes.ociManifest, ...manifest }] }),
  );
}

function* tarBlocks(sizeBytes: number): Generator<Buffer> {
  const perPackage = Math.max(2, Math.round(sizeBytes / packages.length / bundleBytes));
  // Hard to compress beyond a third, as descriptions and icons are.
  const filler = randomBytes(bundleBytes).toString('base64');
  for (const name of packages) {
    const versions = Array.from({ length: perPackage }, (_, at) => `1.${Math.floor(at / 10)}.${at % 10}`);
    const entries = versions.map((version, at) => ({
      name: `${name}.v${version}`,
      ...(at > 0 ? { replaces: `${name}.v${versions[at - 1]}` } : {}),
    }));
    const bundles = versions.map((version, at) => ({
      schema: 'olm.bundle',
      name: `${name}.v${version}`,
      package: name,
      image: `registry.example.com/bench/${name}-bundle:v${version}`,
      properties: [
        { type: 'olm.package', value: { packageName: name, version } },
        { type: 'olm.csv.metadata', value: { description: filler.slice(at % 4096, bundleBytes + (at % 4096) - 700) } },
      ],
      relatedImages: [{ name: 'bundle', image: `registry.example.com/bench/${name}-bundle:v${version}` }],
    }));
    const documents = [
      { schema: 'olm.package', name, defaultChannel: 'stable' },
      { schema: 'olm.channel', package: name, name: 'stable', entries },
      ...bundles,
    ];
    const bytes = Buffer.from(documents.map((one) => JSON.stringify(one)).join('\n'));
    yield tarHeader({ path: `configs/${name}/catalog.json`, kind: 'file', sizeBytes: bytes.length, mode: 0o644 });
    yield bytes;
    yield tarPadding(bytes.length);
  }
  yield tarEnd;
}
