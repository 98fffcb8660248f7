import { createCipheriv, createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { quietRun } from '../src/core/run.ts';
import { type Digest, digestOf, mediaTypes, openStorage, parseDigest } from '../src/oci/index.ts';

/** A synthetic set: images of one shared and one own layer, incompressible, the same bytes for the same name. */
export interface BenchSet {
  readonly name: string;
  readonly images: number;
  readonly sharedLayers: number;
  readonly sharedBytes: number;
  readonly ownBytes: number;
}

/** The sets of the reference figures: A is about bytes (2.5 GB), B about counts (1,000 images). */
export const benchSets: readonly BenchSet[] = [
  { name: 'A', images: 100, sharedLayers: 10, sharedBytes: 40 << 20, ownBytes: 20 << 20 },
  { name: 'B', images: 1000, sharedLayers: 20, sharedBytes: 50 << 10, ownBytes: 50 << 10 },
];

/** Where an image of a set lies in its registry. */
export interface BenchImage {
  readonly repository: string;
  readonly tag: string;
}

/** The images of a set, in order. */
export function listImages(set: BenchSet): BenchImage[] {
  return Array.from({ length: set.images }, (_, at) => ({
    repository: `bench/app-${String(at).padStart(4, '0')}`,
    tag: 'v1',
  }));
}

/** A set with a part of its images only, for a quick look. */
export function scaleSet(set: BenchSet, scale: number): BenchSet {
  const count = (full: number): number => Math.max(1, Math.round(full * scale));
  return { ...set, images: count(set.images), sharedLayers: count(set.sharedLayers) };
}

/** The set as an ImageSetConfiguration. */
export function renderImageSet(set: BenchSet, host: string): string {
  const images = listImages(set).map(({ repository, tag }) => `  - name: ${host}/${repository}:${tag}\n`);
  const head = 'apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\n';
  return `${head}mirror:\n  additionalImages:\n${images.join('')}`;
}

/** The set as `skopeo sync --src yaml` reads it. */
export function renderSyncList(set: BenchSet, host: string): string {
  const images = listImages(set)
    .map(({ repository, tag }) => `    ${repository}: ["${tag}"]\n`)
    .join('');
  return `${host}:\n  tls-verify: false\n  images:\n${images}`;
}

/** The set as `regsync once` reads it. */
export function renderRegsync(set: BenchSet, source: string, target: string): string {
  const creds = [source, target].map((host) => `- registry: ${host}\n  tls: disabled\n`).join('');
  const rows = listImages(set)
    .map(({ repository, tag }) => {
      const name = `${repository}:${tag}`;
      return `- source: ${source}/${name}\n  target: ${target}/${name}\n  type: image\n`;
    })
    .join('');
  return `version: 1\ncreds:\n${creds}defaults:\n  parallel: 4\nsync:\n${rows}`;
}

/** Writes the set, unless it lies there whole from an earlier run. */
export async function ensureSet(set: BenchSet, folder: string): Promise<void> {
  const mark = path.join(folder, 'complete');
  if (existsSync(mark)) return;
  await writeSet(set, folder);
  writeFileSync(mark, '');
}

/** Writes the set into a storage tree that a registry can serve. */
async function writeSet(set: BenchSet, folder: string): Promise<void> {
  const run = quietRun();
  const storage = openStorage(folder, { sync: 'none' });
  const known = new Map<string, Promise<{ digest: Digest; size: number }>>();
  const layer = (seed: string, size: number): Promise<{ digest: Digest; size: number }> => {
    const made = known.get(seed) ?? writeLayer(seed, size);
    known.set(seed, made);
    return made;
  };
  const writeLayer = async (seed: string, size: number): Promise<{ digest: Digest; size: number }> => {
    const hash = createHash('sha256');
    for (const chunk of randomChunks(seed, size)) hash.update(chunk);
    const digest = parseDigest(`sha256:${hash.digest('hex')}`);
    await storage.putBlob(digest, randomChunks(seed, size), run);
    return { digest, size };
  };
  for (const [at, { repository, tag }] of listImages(set).entries()) {
    const shared = await layer(`${set.name}/shared/${at % set.sharedLayers}`, set.sharedBytes);
    const own = await layer(`${set.name}/own/${at}`, set.ownBytes);
    const layers = [shared, own].map((one) => ({ mediaType: mediaTypes.ociLayer, ...one }));
    const diffIds = layers.map((one) => one.digest);
    const text = JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: diffIds },
      config: {},
    });
    const config = { mediaType: mediaTypes.ociConfig, digest: digestOf(text), size: text.length };
    await storage.putBlob(config.digest, [Buffer.from(text)], run);
    for (const one of [config, ...layers]) await storage.linkLayer(repository, one.digest, run);
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers }));
    await storage.putManifest(repository, { digest: digestOf(bytes), bytes, tags: [tag] }, run);
  }
}

function* randomChunks(seed: string, size: number): Generator<Buffer> {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(1 << 20);
  for (let rest = size; rest > 0; rest -= zeros.length)
    yield cipher.update(zeros.subarray(0, Math.min(zeros.length, rest)));
}
