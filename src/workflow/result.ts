import path from 'node:path';
import type { MissingMember } from '../bundle/index.ts';
import { findFile, writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import type { ImageType, MissingContent, Plan } from '../plan/index.ts';

/** `result.json`: how a build or mirror run ended. */
export interface MirrorResult {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'Result';
  readonly state: 'complete' | 'incomplete' | 'failed' | 'nothing-new';
  readonly generation: number;
  /** Where the bundle is, or what is there of it. */
  readonly folder: string;
  readonly totals: Plan['totals'];
  /** Bytes that were fetched and written, tar headers included. */
  readonly volumes: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256?: string }[];
  /** Each missing digest or reference with its cause. */
  readonly missing: readonly (Omit<MissingContent, 'type'> & { readonly type: string })[];
  readonly notes: Plan['notes'];
  /** Releases whose signature nobody checked. */
  readonly uncheckedReleases: readonly string[];
  /** oc-mirror's bits: 2 release, 4 operator, 8 additional images, 16 helm; 0 when all is there. */
  readonly errorBits: number;
  readonly engine: string;
  readonly startedAt: string;
  readonly finishedAt: string;
}

const bits: Readonly<Record<ImageType, number>> = {
  ocpRelease: 2,
  ocpReleaseContent: 2,
  cincinnatiGraph: 2,
  operatorCatalog: 4,
  operatorBundle: 4,
  operatorRelatedImage: 4,
  generic: 8,
  helmImage: 16,
};

/** oc-mirror's exit bits for content that is missing (reference §2.5). */
export function errorBits(types: readonly string[]): number {
  return types.reduce((sum, type) => sum | (type in bits ? bits[type as ImageType] : 0), 0);
}

export function isReleaseType(type: string): boolean {
  return type === 'ocpRelease' || type === 'ocpReleaseContent';
}

/** Releases of a plan whose signature was not checked: every summary says so. */
export function uncheckedReleases(plan: Pick<Plan, 'releases'>): string[] {
  return plan.releases
    .filter((release) => release.signature !== 'verified')
    .map((release) => `${release.version} ${release.architecture}`);
}

/** What could not be fetched, as content of the plan: a blob by the image that it is of, a file by where it comes from. */
export function nameMissing(missing: readonly MissingMember[], plan: Plan): MissingContent[] {
  const blobs = new Map<string, string>(plan.blobs.map((blob) => [blob.digest, blob.origin]));
  const types = new Map(plan.images.map((image) => [image.origin, image.type]));
  const files = new Map(plan.files.map((file) => [file.path, file]));
  return missing.map(({ name, digest, code, cause }): MissingContent => {
    const file = files.get(name);
    const role = file?.role;
    const type = role === 'coreos' || role === 'tool' ? role : types.get(blobs.get(name) ?? '');
    return { type: type ?? 'generic', origin: file?.origin ?? blobs.get(name) ?? name, digest, code, cause };
  });
}

/** How a build ended. */
export type ResultEnding = Pick<MirrorResult, 'state' | 'folder' | 'missing'> & {
  readonly volumes?: MirrorResult['volumes'];
};

/** The result of a build. */
export function describeResult(
  plan: Plan,
  ending: ResultEnding,
  times: { readonly startedAt: Date; readonly finishedAt: Date },
): MirrorResult {
  const types = ending.missing.map((one) => one.type);
  return {
    apiVersion: 'airlock/v1alpha1',
    kind: 'Result',
    state: ending.state === 'incomplete' && types.some(isReleaseType) ? 'failed' : ending.state,
    generation: plan.generation,
    folder: ending.folder,
    totals: plan.totals,
    volumes: ending.volumes ?? [],
    missing: ending.missing,
    notes: plan.notes,
    uncheckedReleases: uncheckedReleases(plan),
    errorBits: errorBits(types),
    engine: plan.engine,
    startedAt: times.startedAt.toISOString(),
    finishedAt: times.finishedAt.toISOString(),
  };
}

/** The result in the folder of a generation; undefined where there is none that can be read. */
export async function findResult(folder: string, run: Run): Promise<MirrorResult | undefined> {
  const text = await findFile(path.join(folder, 'result.json'), run);
  if (!text) return undefined;
  try {
    const result = JSON.parse(text.toString('utf8')) as MirrorResult;
    // The folder may have been moved since.
    return result.kind === 'Result' && Array.isArray(result.volumes) ? { ...result, folder } : undefined;
  } catch {
    return undefined;
  }
}

export async function writeResult(folder: string, result: MirrorResult, run: Run): Promise<void> {
  await writeFileAtomic(path.join(folder, 'result.json'), prettyJson(result), run);
}
