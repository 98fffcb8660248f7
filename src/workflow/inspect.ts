import {
  type BundleContents,
  type BundleIndex,
  describeBundle,
  findCutVolumes,
  openBundle,
  renderChecksums,
  renderSpdx,
} from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';

/** What a bundle, or each of a chain, holds. */
export interface InspectResult {
  readonly folder: string;
  readonly kind: 'airlock' | 'adopted' | 'foreign';
  readonly indexDigest: string;
  readonly index: BundleIndex;
  readonly contents: BundleContents;
  readonly missingVolumes: readonly string[];
  /** Volumes of another size than they should have. */
  readonly cutVolumes: readonly { readonly name: string; readonly sizeBytes: number; readonly foundBytes: number }[];
}

/** Reads indexes only. @throws AirlockError BUNDLE_NOT_FOUND, BUNDLE_INVALID */
export async function inspect(bundlePath: string, run: Run): Promise<InspectResult[]> {
  const bundles = await openBundle(bundlePath, run);
  return bundles.map((bundle) => ({
    folder: bundle.folder,
    kind: bundle.kind,
    indexDigest: bundle.indexDigest,
    index: bundle.index,
    contents: describeBundle(bundle),
    missingVolumes: bundle.volumes.filter((volume) => volume.foundBytes === undefined).map((volume) => volume.name),
    cutVolumes: findCutVolumes(bundle),
  }));
}

/** Every member of a bundle in the form of `sha256sum`, for `sha256sum -c` in the folder where it was unpacked. */
export async function inspectChecksums(bundlePath: string, run: Run): Promise<string> {
  return (await openBundle(bundlePath, run)).map(renderChecksums).join('');
}

/** Everything that one bundle carries as an SPDX document. @throws AirlockError USAGE for a chain */
export async function inspectSpdx(bundlePath: string, run: Run): Promise<Readonly<Record<string, unknown>>> {
  const [bundle, second] = await openBundle(bundlePath, run);
  if (bundle && !second) return renderSpdx(bundle);
  throw new AirlockError('USAGE', `${bundlePath} holds several generations, an SPDX document is of one`, {
    hint: 'name the folder of one of them',
  });
}
