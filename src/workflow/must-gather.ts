import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { packSmallFiles, type SmallFile } from '../bundle/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import { errorText, isAirlockError } from '../core/errors.ts';
import { readFileLimited, writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import { redactText } from '../core/redact.ts';
import { assertRunning, type Run } from '../core/run.ts';
import { toolVersion } from '../core/version.ts';
import { openStorage } from '../oci/index.ts';
import type { EngineSearch } from '../registry/index.ts';
import { certsShow } from './certs.ts';
import { dnsZone } from './dns.ts';
import { doctor } from './doctor/doctor.ts';
import { readLoadedContent } from './loaded.ts';
import { type GatheredPart, listBuildParts } from './must-gather-build.ts';
import { registryLogs } from './registry-tools.ts';
import { sitePaths } from './site/paths.ts';
import { status } from './status.ts';

export interface MustGatherRequest {
  /** Left out on a connected host without one. */
  readonly siteFile: string | undefined;
  /** Left out: the one that the site names. */
  readonly imageSetFile?: string | undefined;
  /** DIR of a connected host; left out: nothing of builds. */
  readonly buildFolder?: string | undefined;
  /** What `--log-file` wrote. */
  readonly logFile?: string | undefined;
  /** Left out: `must-gather-<site>-<time>.tar.gz` in `folder`. */
  readonly file?: string | undefined;
  readonly folder: string;
  /** Where `emit` wrote. */
  readonly manifests: string;
  readonly engine: EngineSearch;
}

export interface MustGatherResult {
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** In the order of the archive, which begins with an index of the same. */
  readonly entries: readonly { readonly path: string; readonly what: string; readonly problem?: string }[];
}

const logBytes = 2 << 20;

/**
 * Packs what support asks for into one archive: settings, status, certificates, logs, zones and lists, with credentials and keys left out.
 * What cannot be had is a line in the archive's index, never the end of it: a site in need of support is a site where something fails.
 * A site file with faults is gathered with them, and with nothing that would have to be looked up in it.
 * @throws AirlockError CONFIG_NOT_FOUND for the site file itself; FILE_UNWRITABLE, DISK_FULL
 */
export async function mustGather(request: MustGatherRequest, run: Run): Promise<MustGatherResult> {
  const { name: siteName, parts } = await chooseParts(request, run);
  const gathered: { part: GatheredPart; text?: string; problem?: string }[] = [];
  for (const part of parts) {
    assertRunning(run);
    try {
      gathered.push({ part, text: redactText(await part.gather()) });
    } catch (error) {
      assertRunning(run);
      gathered.push({ part, problem: redactText(errorText(error)) });
    }
  }
  const entries = gathered.map(({ part, problem }) => ({
    path: part.path,
    what: part.what,
    ...(problem === undefined ? {} : { problem }),
  }));
  const time = run.now();
  const stamp = time.toISOString().replace(/[-:]|\.\d+/g, '');
  const name = `must-gather-${siteName}-${stamp}`;
  const files: SmallFile[] = [
    { path: `${name}/index.json`, content: Buffer.from(prettyJson({ site: siteName, gatheredAt: time, entries })) },
    ...gathered.flatMap(({ part, text }) =>
      text === undefined ? [] : [{ path: `${name}/${part.path}`, content: Buffer.from(text) }],
    ),
  ];
  const file = request.file ?? path.join(request.folder, `${name}.tar.gz`);
  const bytes = packSmallFiles(files, time);
  await writeFileAtomic(file, bytes, run, 0o600);
  return { file, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), entries };
}

/** Site and build folder, whichever are there. */
async function chooseParts(
  request: MustGatherRequest,
  run: Run,
): Promise<{ readonly name: string; readonly parts: readonly GatheredPart[] }> {
  const { siteFile, imageSetFile, buildFolder, logFile } = request;
  let name = 'build';
  const parts: GatheredPart[] = [data('version.json', 'Airlock and what it runs on', async () => hostFacts())];
  let imageSet = imageSetFile;
  if (siteFile !== undefined) {
    parts.push(fileText('site.yaml', 'the site file', siteFile, run));
    try {
      const { site } = await loadSite(siteFile, run);
      name = site.name;
      imageSet ??= site.imageSet;
      parts.push(...listParts(site, { ...request, siteFile }, run));
    } catch (error) {
      if (!isAirlockError(error, 'CONFIG_INVALID')) throw error;
      name = 'site';
      const faults = errorText(error);
      parts.push({ path: 'site-faults.txt', what: 'why the site file is not read', gather: async () => `${faults}\n` });
    }
  }
  if (imageSet !== undefined) parts.push(fileText('imageset.yaml', 'the image set', imageSet, run));
  if (buildFolder !== undefined) parts.push(...(await listBuildParts(buildFolder, run)));
  if (logFile !== undefined)
    parts.push({ path: 'run.log', what: 'end of the log of --log-file', gather: () => readTail(logFile, run) });
  return { name, parts };
}

function data(file: string, what: string, gather: () => Promise<unknown>): GatheredPart {
  return { path: file, what, gather: async () => prettyJson(await gather()) };
}

function fileText(file: string, what: string, from: string, run: Run): GatheredPart {
  return { path: file, what, gather: async () => (await readFileLimited(from, run)).toString() };
}

function listParts(site: Site, request: MustGatherRequest & { readonly siteFile: string }, run: Run): GatheredPart[] {
  const { siteFile, engine, manifests } = request;
  const paths = sitePaths(site);
  const services = path.join(site.paths.state, 'log', 'services.log');
  return [
    data('status.json', 'services, certificate, generations, disks', () => status(siteFile, run, engine)),
    data('certificates.json', 'every consumer of the CA', () => certsShow(siteFile, manifests, run)),
    data('loaded.json', 'what was loaded', async () => {
      const { generations, releases, catalogs, images } = await readLoadedContent(paths.state, run);
      return { generations, releases, catalogs, images: images.length };
    }),
    fileText('check.json', 'the last readiness check', paths.lastCheck, run),
    data('doctor.json', 'what stands in the way of the services on this host', () => doctor({ siteFile, engine }, run)),
    {
      path: 'zones.txt',
      what: 'the zones of the site, as BIND reads them',
      gather: async () =>
        (await dnsZone(siteFile, 'bind', run)).map((zone) => `; ${zone.name}\n${zone.content}`).join('\n'),
    },
    data('repositories.json', 'repositories in the storage of the registry', () =>
      openStorage(paths.storage).listRepositories(run),
    ),
    data('manifests.json', 'digests of the emitted files', () => listDigests(manifests, run)),
    { path: 'services.log', what: 'end of the log of the services', gather: () => readTail(services, run) },
    {
      path: 'registry.log',
      what: 'end of the log of the registry container',
      gather: async () => {
        const log = await registryLogs(siteFile, { tail: 5000, follow: false }, engine, run);
        return 'file' in log ? `the registry writes into ${log.file}\n` : readStream(log);
      },
    },
  ];
}

function hostFacts(): unknown {
  const { platform, arch, versions } = process;
  return { airlock: toolVersion, platform, arch, node: versions.node, openssl: versions.openssl, kernel: os.release() };
}

/** Digests instead of content: some of the files are Secrets. */
async function listDigests(folder: string, run: Run): Promise<unknown> {
  const found: { path: string; sha256: string }[] = [];
  const walk = async (below: string): Promise<void> => {
    for (const { name, kind } of await run.disk.list(path.join(folder, below))) {
      const relative = path.join(below, name);
      if (kind === 'directory') await walk(relative);
      if (kind !== 'file') continue;
      const bytes = await readFileLimited(path.join(folder, relative), run);
      found.push({ path: relative, sha256: createHash('sha256').update(bytes).digest('hex') });
    }
  };
  await walk('');
  return found;
}

async function readTail(file: string, run: Run): Promise<string> {
  const size = (await run.disk.stat(file))?.sizeBytes ?? 0;
  const handle = await run.disk.open(file, 'read');
  try {
    const buffer = Buffer.alloc(Math.min(size, logBytes));
    const count = await handle.read(buffer, Math.max(0, size - logBytes));
    return buffer.subarray(0, count).toString();
  } finally {
    await handle.close();
  }
}

async function readStream(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).subarray(-logBytes).toString();
}
