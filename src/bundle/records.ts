import path from 'node:path';
import { writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import type { Digest } from '../oci/index.ts';
import { type BundleIndex, generationText } from './format.ts';
import { readRecord } from './read-record.ts';

/** What a workspace remembers of a sealed bundle: written last, after the volumes were read back. */
export interface GenerationRecord {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'Generation';
  readonly generation: number;
  readonly parent?: { readonly generation: number; readonly indexDigest: Digest };
  readonly createdAt: string;
  readonly indexDigest: Digest;
  readonly planDigest: Digest;
  readonly imageSetDigest: Digest;
  readonly siteDigest?: Digest;
  /** Base64, empty when unsigned: ECDSA is randomised, so a part that is made again needs this very one. */
  readonly signature: string;
  readonly volumes: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256: string }[];
  /** Carried by this generation; sorted. */
  readonly blobs: readonly Digest[];
  /** Assumed to be there already: of earlier generations or an inventory; sorted. */
  readonly assumed: readonly Digest[];
  /** sha256 (bare hex) of files carried and assumed that a later generation need not carry again; sorted. */
  readonly files: readonly string[];
}

/** What the far side has when it loaded every generation so far, and the number of the next one. */
export interface History {
  readonly generations: readonly GenerationRecord[];
  readonly next: number;
  /** The newest generation; undefined before the first. */
  readonly parent: { readonly generation: number; readonly indexDigest: Digest } | undefined;
  readonly carriedBlobs: ReadonlySet<Digest>;
  readonly carriedFiles: ReadonlySet<string>;
}

/** The record of a bundle from its index. */
export function recordOf(
  index: BundleIndex,
  sealed: Pick<GenerationRecord, 'indexDigest' | 'signature' | 'volumes'>,
): GenerationRecord {
  const reusable = [...index.files, ...index.assumedFiles].filter(isReusableFile);
  return {
    apiVersion: 'airlock/v1alpha1',
    kind: 'Generation',
    generation: index.generation,
    ...(index.parent ? { parent: index.parent } : {}),
    createdAt: index.createdAt,
    planDigest: index.planDigest,
    imageSetDigest: index.imageSetDigest,
    ...(index.siteDigest ? { siteDigest: index.siteDigest } : {}),
    ...sealed,
    blobs: index.blobs.map((blob) => blob.digest),
    assumed: index.assumed,
    files: [...new Set(reusable.map((file) => file.sha256))].sort(),
  };
}

/** Whether a file that was carried once need not be carried again: not configuration, which describes its own generation. */
export function isReusableFile(file: { readonly role: string }): boolean {
  return file.role !== 'config' && file.role !== 'working-dir';
}

/** Writes a record into the workspace. */
export async function writeRecord(workspace: string, record: GenerationRecord, run: Run): Promise<void> {
  await writeFileAtomic(recordPath(workspace, record.generation), prettyJson(record), run);
}

/** The record of a generation, if it was sealed. */
export async function findRecord(
  workspace: string,
  generation: number,
  run: Run,
): Promise<GenerationRecord | undefined> {
  const mend = 'it is made again from that generation, if it still lies in DIR; else build with --full';
  return readRecord(recordPath(workspace, generation), mend, run);
}

/**
 * What the workspace remembers. A generation without parent (the first, or a full one) starts over: what came before it no longer counts as
 * carried.
 */
export async function readHistory(workspace: string, run: Run): Promise<History> {
  const generations: GenerationRecord[] = [];
  for (const entry of await run.disk.list(path.join(workspace, 'generations'))) {
    const number = /^([0-9]{6})\.json$/.exec(entry.name)?.[1];
    const record = number === undefined ? undefined : await findRecord(workspace, Number(number), run);
    if (record) generations.push(record);
  }
  const carriedBlobs = new Set<Digest>();
  const carriedFiles = new Set<string>();
  for (const record of generations) {
    if (!record.parent && record.assumed.length === 0) {
      carriedBlobs.clear();
      carriedFiles.clear();
    }
    for (const digest of [...record.blobs, ...record.assumed]) carriedBlobs.add(digest);
    for (const file of record.files) carriedFiles.add(file);
  }
  const last = generations.at(-1);
  return {
    generations,
    next: (last?.generation ?? 0) + 1,
    parent: last ? { generation: last.generation, indexDigest: last.indexDigest } : undefined,
    carriedBlobs,
    carriedFiles,
  };
}

function recordPath(workspace: string, generation: number): string {
  return path.join(workspace, 'generations', `${generationText(generation)}.json`);
}
