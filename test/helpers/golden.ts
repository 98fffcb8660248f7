import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type ImageSet, parseImageSet } from '../../src/config/index.ts';
import { type Disk, nodeDisk } from '../../src/core/disk.ts';
import { quietRun } from '../../src/core/run.ts';
import { type CollectOptions, collectImageSet, type HttpAccess } from '../../src/mirror/index.ts';
import { openStorage, type Source, storageSource } from '../../src/oci/index.ts';
import { type CollectedSet, openKeptBlobs } from '../../src/plan/index.ts';

/** The source of the golden runs, unpacked and served in memory: registries, update service, signatures, charts. */
export interface GoldenSource {
  readonly source: Source;
  readonly http: HttpAccess;
  readonly folder: string;
  readonly requests: string[];
  readonly releaseKey: string;
  close(): Promise<void>;
}

export async function openGoldenSource(golden: string): Promise<GoldenSource> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'airlock-golden-'));
  execFileSync('tar', ['xzf', path.join(golden, 'source/registry-storage.tar.gz'), '-C', folder]);
  const requests: string[] = [];
  return {
    source: storageSource(openStorage(folder)),
    http: goldenHttp(path.join(golden, 'source/web'), requests),
    folder,
    requests,
    releaseKey: readFileSync(path.join(golden, 'source/release-key.asc'), 'utf8'),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Answers as `golden-source` does. */
function goldenHttp(web: string, requests: string[]): HttpAccess {
  const answer = (text: string): { status: number; body: Buffer } => {
    const url = new URL(text);
    requests.push(text);
    const rhcos = /^\/([^/]+)\/([^/]+)\/rhcos-live\.iso$/.exec(url.pathname);
    if (rhcos) return { status: 200, body: Buffer.from(`${rhcos[1]}${rhcos[2]}`) };
    const file =
      url.pathname === '/api/upgrades_info/graph-data'
        ? 'api.openshift.com/graph-data.tar.gz'
        : url.pathname.startsWith('/api/upgrades_info/')
          ? `api.openshift.com/graph/${url.searchParams.get('arch')}-${url.searchParams.get('channel')}.json`
          : url.pathname.startsWith('/pub/')
            ? `mirror.openshift.com${decodeURIComponent(url.pathname)}`
            : `charts.example.com${decodeURIComponent(url.pathname)}`;
    const full = path.join(web, file);
    return existsSync(full)
      ? { status: 200, body: readFileSync(full) }
      : { status: 404, body: Buffer.from('not found') };
  };
  return {
    getUrl: async (url) => answer(url),
    async headUrl(url) {
      const { status, body } = answer(url);
      return { status, sizeBytes: body.length };
    },
  };
}

/** The real disk without waiting for the medium: a workspace of hundreds of small files would cost seconds each time. */
const hastyDisk: Disk = {
  ...nodeDisk,
  async open(file, access, mode) {
    const handle = await nodeDisk.open(file, access, mode);
    return {
      read: (buffer, position) => handle.read(buffer, position),
      write: (buffer, position) => handle.write(buffer, position),
      sync: async () => {},
      truncate: (size) => handle.truncate(size),
      sizeBytes: () => handle.sizeBytes(),
      close: () => handle.close(),
    };
  },
  syncDirectory: async () => {},
};

/** Collects the ISC of a case with a workspace of its own. */
export async function collectCase(
  golden: GoldenSource,
  isc: string,
  options: CollectOptions = {},
  adapt: (text: string) => string = (text) => text,
): Promise<GoldenSet> {
  return collectParsed(golden, readImageSet(isc, adapt(readFileSync(isc, 'utf8'))), options);
}

export type GoldenSet = CollectedSet & { readonly workspace: string };

export function readImageSet(file: string, text: string): ImageSet {
  const { value, findings } = parseImageSet(text, file);
  if (value) return value;
  throw new Error(findings.map((finding) => finding.message).join('\n'));
}

export async function collectParsed(
  golden: GoldenSource,
  imageSet: ImageSet,
  options: CollectOptions = {},
): Promise<GoldenSet> {
  const workspace = await mkdtemp(path.join(golden.folder, 'workspace-'));
  const set = await collectImageSet(
    {
      imageSet,
      source: golden.source,
      http: golden.http,
      kept: openKeptBlobs(workspace),
      options: { signatureKeyArmored: golden.releaseKey, ...options },
    },
    quietRun({ disk: hastyDisk }),
  );
  return { ...set, workspace };
}

/** The folder of a case's first step whose name ends so (`m2d`, `d2m`). */
export function stepFolder(golden: string, name: string, step: string): string | undefined {
  const folder = path.join(golden, 'cases', name);
  const found = readdirSync(folder).find((entry) => entry.endsWith(`-${step}`));
  return found ? path.join(folder, found) : undefined;
}

/** Rows of a tab-separated file, by its header's names. */
export function readTable(file: string): Record<string, string>[] {
  const [header = '', ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const names = header.split('\t');
  return lines.map((line) => Object.fromEntries(line.split('\t').map((cell, at) => [names[at] ?? '', cell])));
}

/** `repository:tag` → digest at the target after D2M (registry.tsv). */
export function targetTags(step: string): Map<string, string> {
  return new Map(
    readTable(path.join(step, 'registry.tsv'))
      .filter((row) => row['tag'] !== '-')
      .map((row) => [`${row['repository']}:${row['tag']}`, row['digest'] ?? '']),
  );
}

/** `repository:tag` → sha256 of the link's text, from the members of an archive. */
export function archiveTags(step: string): Map<string, string> {
  return new Map(
    readTable(path.join(step, 'archive.tsv')).flatMap((row) => {
      const match = /^docker\/registry\/v2\/repositories\/(.+)\/_manifests\/tags\/(.+)\/current\/link$/.exec(
        row['name'] ?? '',
      );
      return match ? [[`${match[1]}:${match[2]}`, row['sha256'] ?? ''] as const] : [];
    }),
  );
}

export function linkHash(digest: string): string {
  return createHash('sha256').update(digest).digest('hex');
}

/** What the command line of a case's first step asks for. */
export function commandOptions(golden: string, name: string): CollectOptions {
  const command = readFileSync(path.join(stepFolder(golden, name, 'm2d') ?? '', 'command'), 'utf8');
  return {
    removeSignatures: command.includes('--remove-signatures'),
    ignoreReleaseSignature: command.includes('--ignore-release-signature'),
  };
}
