import { type BundleIndex, openBundle } from '../bundle/index.ts';
import type { Run } from '../core/run.ts';

/** What a bundle, or each of a chain, holds. */
export interface InspectResult {
  readonly folder: string;
  readonly kind: 'airlock' | 'adopted' | 'foreign';
  readonly indexDigest: string;
  readonly index: BundleIndex;
  readonly missingVolumes: readonly string[];
}

/** Reads indexes only. @throws AirlockError BUNDLE_NOT_FOUND, BUNDLE_INVALID */
export async function inspect(bundlePath: string, run: Run): Promise<InspectResult[]> {
  const bundles = await openBundle(bundlePath, run);
  return bundles.map(({ folder, kind, indexDigest, index, volumes }) => ({
    folder,
    kind,
    indexDigest,
    index,
    missingVolumes: volumes.filter((volume) => volume.foundBytes === undefined).map((volume) => volume.name),
  }));
}
