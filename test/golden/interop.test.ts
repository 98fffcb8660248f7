import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeReal, describeShared, sharedPath } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { differences } from './differences.ts';
import { Cache } from './disk-to-mirror/cache.ts';
import { type Extraction, extractArchives } from './disk-to-mirror/extract.ts';
import { type Copied, diskToMirror } from './disk-to-mirror/run.ts';
import { goldenFile, goldenRegistry, goldenSteps, goldenSucceeded } from './expected.ts';
import { type GoldenSource, startGoldenSource } from './golden-source.ts';
import { buildCase, type CaseOptions } from './run-case.ts';

// No isc.yaml of one build, a source that the real tool asks again by its own fault, or the configuration is refused by ours or both.
const others = /^(?:08|08b|09|13j|13k|15|16)-/;
const only = process.env['GOLDEN_CASES']?.split(',');
const catalogOrGraph = /index\t|catalog\t|graph-image\t/;

describeReal('oc-mirror --from reads our volumes', ['docker-registry', 'python3'], () => {
  describeShared('golden cases', 'golden/cases', (folder) => {
    let source: GoldenSource;
    beforeAll(async () => {
      source = await startGoldenSource();
    });
    afterAll(() => source?.close());

    const optionsOf = (command: string): CaseOptions => ({
      removeSignatures: command.includes('--remove-signatures'),
      ignoreReleaseSignature: command.includes('--ignore-release-signature'),
      env: source.env,
      chartsUrl: source.chartsUrl,
    });
    const into = (work: string) => ({ workingDir: path.join(work, 'in/working-dir'), cache: path.join(work, 'cache') });
    const settings = (work: string, options: CaseOptions) => ({
      imageSetFile: path.join(work, 'isc.yaml'),
      ignoreReleaseSignature: options.ignoreReleaseSignature ?? false,
      askSource: digestAtSource,
    });

    for (const name of readdirSync(folder)
      .filter((one) => isPlayed(one, only))
      .sort()) {
      test(name, async () => {
        const [first = ''] = goldenSteps(name);
        const work = path.join(await temporaryFolder(), 'work');
        const options = optionsOf(readFileSync(goldenFile(name, first, 'command') ?? '', 'utf8'));
        const built = await buildCase(name, work, options);
        expect(built).toMatchObject({ state: 'complete' });
        const extraction = extractArchives(built.folder, into(work));
        expectOrderly(extraction);
        const copied = await diskToMirror(extraction, settings(work, options));
        compareWithTarget(name, copied, extraction);
      });
    }
  });
});

function isPlayed(name: string, chosen: readonly string[] | undefined): boolean {
  if (chosen && !chosen.some((one) => name.startsWith(one))) return false;
  const [first = ''] = goldenSteps(name);
  if (others.test(name) || goldenFile(name, '', 'isc.yaml') === undefined) return false;
  return differences[name]?.succeeds || (goldenSucceeded(name, first) && !differences[name]?.refused);
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

/** The tags that real oc-mirror made at its target; what Helm renders is looked up by the names it has there. */
function compareWithTarget(name: string, copied: readonly Copied[], { cache }: Extraction): void {
  const step = goldenSteps(name).find((one) => /^\d+-d2m(?:-good)?$/.test(one));
  const golden = step !== undefined && goldenSucceeded(name, step) ? goldenRegistry(name, step) : undefined;
  if (!golden) return;
  const theirs = golden.filter((row) => !/\t(?:-|sha256-[0-9a-f]{64}\.sig)\t/.test(row)).map(plain);
  const ours = copied.map(({ repository, targetTag, digest }) => plain([repository, targetTag, digest].join('\t')));
  const helm = name.startsWith('06') ? theirs.filter((row) => !ours.includes(row)) : [];
  for (const row of helm) {
    const [repository = '', tag = '', digest = ''] = row.split('\t');
    const store = new Cache(cache);
    expect(store.resolveTag(repository, tag)).toBe(digest);
    store.readImage(repository, digest);
  }
  expect([...new Set([...ours, ...helm])].sort()).toEqual([...new Set(theirs)].sort());
}

/** Without the digests of what every build makes anew; content of `oci://` folders is named after the folder, which lies elsewhere here. */
function plain(row: string): string {
  const moved = row.replace((sharedPath('golden/source/oci') ?? '').slice(1), 'opt/golden/src-oci');
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
