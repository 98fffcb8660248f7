import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { sharedPath } from '../../helpers/real.ts';
import { goldenRegistry, goldenSteps, goldenSucceeded } from '../expected.ts';
import type { CaseOptions } from '../run-case.ts';
import { Cache } from './cache.ts';
import { type Extraction, extractArchives } from './extract.ts';
import { type Copied, diskToMirror } from './run.ts';

// Charts name images that only Helm finds; a whole catalog of a registry is asked from its source again.
const byName = /^(?:05i|06|10d|12a)/;
// The real tool cannot load even its own archive of these (exit 16).
const lost: Readonly<Record<string, RegExp>> = { '06d-charts-no-version': /chart acme-web {2}is not in working-dir/ };
const catalogOrGraph = /index\t|catalog\t|graph-image\t/;

/** A bundle that `buildCase` made in `work`, and what was asked. */
export interface BuiltCase {
  readonly name: string;
  /** The folder of the generation. */
  readonly folder: string;
  readonly work: string;
  readonly options: Pick<CaseOptions, 'ignoreReleaseSignature'>;
  /** The golden step whose target is compared; default: the first disk-to-mirror. */
  readonly step?: string;
}

/**
 * Has the simulated disk-to-mirror read a bundle of a golden case, and compares the tags that it makes with those that the real tool made. Bundles
 * with one `work` share working-dir and cache, as generations do.
 */
export async function checkReadable({ name, folder, work, options, step }: BuiltCase): Promise<{
  readonly extraction: Extraction;
  readonly copied: readonly Copied[];
}> {
  const extraction = extractArchives(folder, {
    workingDir: path.join(work, 'oc-mirror/working-dir'),
    cache: path.join(work, 'oc-mirror-cache'),
  });
  expectOrderly(extraction);
  const loading = diskToMirror(extraction, {
    imageSetFile: path.join(work, 'isc.yaml'),
    ignoreReleaseSignature: options.ignoreReleaseSignature ?? false,
    askSource: digestAtSource,
  });
  if (lost[name]) {
    await expect(loading).rejects.toThrow(lost[name]);
    return { extraction, copied: [] };
  }
  const copied = await loading;
  compareWithTarget(name, step ?? firstLoad(name), copied, extraction);
  return { extraction, copied };
}

/** Names that oc-mirror takes for something else, and modes that a second extraction could not write. */
function expectOrderly({ entries, skipped }: Extraction): void {
  const odd = entries.filter(
    ({ name, mode }) =>
      (name.includes('working-dir') && !name.startsWith('working-dir/')) ||
      (name.includes('docker/registry/v2') && !/^docker\/registry\/v2\/(?:blobs|repositories)\//.test(name)) ||
      mode !== (name === 'airlock/bin/airlock' ? 0o755 : 0o644),
  );
  expect(odd.map(({ name, mode }) => `${name} ${mode.toString(8)}`)).toEqual([]);
  expect(new Set(entries.map((entry) => entry.name)).size).toBe(entries.length);
  expect(entries.at(-1)?.name).toMatch(/^isc_\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(skipped.filter((one) => !one.startsWith('airlock/'))).toEqual([entries.at(-1)?.name]);
}

function firstLoad(name: string): string | undefined {
  return goldenSteps(name).find((one) => /^\d+-d2m(?:-good|-build1)?$/.test(one));
}

/** The tags that real oc-mirror made at its target; what the simulation cannot collect is looked up by the names it has there. */
function compareWithTarget(
  name: string,
  step: string | undefined,
  copied: readonly Copied[],
  { cache }: Extraction,
): void {
  const golden = step !== undefined && goldenSucceeded(name, step) ? goldenRegistry(name, step) : undefined;
  if (!golden) return;
  const theirs = golden.filter((row) => !/\t(?:-|sha256-[0-9a-f]{64}\.sig)\t/.test(row)).map(plain);
  const ours = copied.map(({ repository, targetTag, digest }) => plain([repository, targetTag, digest].join('\t')));
  const store = new Cache(cache);
  const others = byName.test(name) ? theirs.filter((row) => !ours.includes(row)) : [];
  for (const row of others) {
    const [repository = '', tag = '', digest = ''] = row.split('\t');
    expect(store.resolveTag(repository, tag)).toBe(digest);
    store.readImage(repository, digest);
  }
  expect([...new Set([...ours, ...others])].sort()).toEqual([...new Set(theirs)].sort());
}

/** Without the digests of what every build makes anew; content of `oci://` folders is named after the folder, which lies elsewhere here. */
function plain(row: string): string {
  const moved = row
    .replace((sharedPath('golden/source/oci') ?? '').slice(1), 'opt/golden/src-oci')
    .replace(/^some\/prefix\//, '');
  return catalogOrGraph.test(moved) ? moved.split('\t').slice(0, 2).join('\t') : moved;
}

function digestAtSource(reference: string): string {
  const rows = readFileSync(sharedPath('golden/source/images.tsv') ?? '', 'utf8').split('\n');
  for (const row of rows) {
    const [host, repository, tag, digest = ''] = row.split('\t');
    if (`${host}/${repository}:${tag}` === reference) return digest;
  }
  throw new Error(`${reference} is not in the source`);
}
