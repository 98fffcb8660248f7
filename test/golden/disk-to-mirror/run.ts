import { readFileSync } from 'node:fs';
import { parseYamlStream } from '../../../src/core/yaml.ts';
import { Cache } from './cache.ts';
import type { Extraction } from './extract.ts';
import type { Copy, ImageSet, Job } from './job.ts';
import { collectOperators } from './operators.ts';
import { collectAdditional, findCharts } from './others.ts';
import { collectReleases } from './releases.ts';

export interface DiskToMirrorOptions {
  readonly imageSetFile: string;
  readonly ignoreReleaseSignature: boolean;
  readonly askSource: (reference: string) => string;
}

/** A copied image, and all content of it was read from the cache. */
export interface Copied extends Copy {
  readonly digest: string;
}

/**
 * Disk-to-mirror of real oc-mirror v2 without network, as the reference describes it: after the extraction it collects what the configuration asks
 * for from working-dir and cache, and reads every image. Throws at the first thing that the real tool would fail on.
 */
export async function diskToMirror(extraction: Extraction, options: DiskToMirrorOptions): Promise<Copied[]> {
  const [{ mirror }] = parseYamlStream(readFileSync(options.imageSetFile, 'utf8')) as [ImageSet];
  const cache = new Cache(extraction.cache);
  const copies: Copy[] = [];
  const blocked = (mirror.blockedImages ?? []).map(({ name }) => new RegExp(name));
  const job: Job = {
    cache,
    workingDir: extraction.workingDir,
    ignoreReleaseSignature: options.ignoreReleaseSignature,
    askSource: options.askSource,
    copy({ platforms, targetTag, ...copy }) {
      const one = { ...copy, targetTag: targetTag ?? copy.tag, platforms };
      const target = `mirror.airgap.example:5610/${one.repository}:${one.targetTag}`;
      if (!blocked.some((pattern) => [one.origin, target].some((text) => pattern.test(text)))) copies.push(one);
    },
  };
  if (mirror.platform) await collectReleases(mirror.platform, job);
  collectOperators(mirror.operators ?? [], job);
  collectAdditional(mirror.additionalImages ?? [], job);
  if (mirror.helm) findCharts(mirror.helm, job);
  return copies.map((copy) => {
    const digest = cache.resolveTag(copy.repository, copy.tag);
    cache.readImage(copy.repository, digest, copy.platforms);
    return { ...copy, digest };
  });
}
