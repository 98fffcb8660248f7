import { type BuildOptions, type BuildOutcome, type Bundle, buildBundle, openBundle } from '../../src/bundle/index.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { keepManifests, type Sample, sampleSources } from './sample.ts';

/** Builds a sample into a folder, its manifests kept in the workspace there. */
export async function buildSample(
  sample: Sample,
  folder: string,
  options: Partial<BuildOptions> = {},
  run: Run = quietRun(),
): Promise<BuildOutcome> {
  const kept = await keepManifests(sample, folder);
  const { plan } = sample;
  return buildBundle({ plan, folder, kept, sources: sampleSources(sample), parallelBlobs: 4, ...options }, run);
}

/** The one bundle below a path. */
export async function openOne(folder: string): Promise<Bundle> {
  const [bundle] = await openBundle(folder, quietRun());
  if (!bundle) throw new Error(`no bundle in ${folder}`);
  return bundle;
}
