import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDockerRegistry } from '../helpers/docker-registry.ts';
import { describeReal, describeShared, sharedPath } from '../helpers/real.ts';
import { suiteFolder, temporaryFolder } from '../helpers/temporary.ts';
import { differences, refusals, settings } from './differences.ts';
import { checkReadable } from './disk-to-mirror/check.ts';
import {
  comparable,
  goldenArchiveLinks,
  goldenFile,
  goldenMirrors,
  goldenRegistry,
  goldenResources,
  goldenSteps,
  goldenSucceeded,
  withoutProvenance,
} from './expected.ts';
import { type GoldenSource, startGoldenSource } from './golden-source.ts';
import { bundleLinks, catalogKey, ourCatalogs, parseConcatenated, rebuiltRepositories, tryCase } from './outcome.ts';
import type { OurRun } from './run-case.ts';

// Cases that are about other things than collecting: archives of real oc-mirror, segments, mirror to mirror, dry runs, deletion, the binary.
const elsewhere = /^(?:08b|09|10|11|12|13g|13h|13i|13j|13k|13l|13n|15|16|17|18|19)/;
// Loaded into a registry that takes lists whose instances are not all there.
const sparse = new Set(['03j-release-platforms', '05v-op-platforms', '07c-sparse']);
const only = process.env['GOLDEN_CASES']?.split(',');

describeReal('golden runs of oc-mirror', ['docker-registry', 'python3'], () => {
  describeShared('cases', 'golden/cases', (folder) => {
    let source: GoldenSource;
    let registry: Awaited<ReturnType<typeof openDockerRegistry>>;
    let shared: string;
    beforeAll(async () => {
      shared = await suiteFolder();
      [source, registry] = await Promise.all([startGoldenSource(), openDockerRegistry(shared)]);
    });
    afterAll(async () => {
      await Promise.all([source?.close(), registry?.close()]);
      await rm(shared, { recursive: true, force: true });
    });

    const names = folder
      ? readdirSync(folder).filter((name) => (only ? only.some((one) => name.startsWith(one)) : !elsewhere.test(name)))
      : [];
    for (const name of names.sort()) {
      test(`${name}${differences[name] ? ` (differs: ${differences[name].why})` : ''}`, async () => {
        const difference = differences[name] ?? { why: '' };
        const [first = ''] = goldenSteps(name);
        const command = readFileSync(goldenFile(name, first, 'command') ?? '', 'utf8');
        const options = {
          removeSignatures: command.includes('--remove-signatures'),
          ignoreReleaseSignature: command.includes('--ignore-release-signature'),
          ...settings[name],
          env: source.env,
          chartsUrl: source.chartsUrl,
          // Debian's registry insists on all instances of a list, as that of case 07d does.
          ...(loadStep(name) && !sparse.has(name) ? { registry } : {}),
        };
        const work = path.join(await temporaryFolder(), 'work');
        const outcome = await tryCase(name, work, options);
        const accepted = goldenSucceeded(name, first);
        if (difference.refused || (!accepted && !difference.succeeds)) {
          expect(outcome.kind === 'refused' ? outcome.reason : 'was accepted').toMatch(
            difference.refused ?? refusals[name] ?? /./,
          );
          return;
        }
        if (outcome.kind === 'refused') throw new Error(outcome.reason);
        compareLinks(name, first, outcome.run);
        compareRegistry(name, outcome.run);
        if (!difference.catalogs) await compareCatalogs(name, first, outcome.run);
        await checkReadable({ name, folder: outcome.run.build.folder, work, options });
      });
    }
  });
});

/** The bundle's link tree against the archive's. */
function compareLinks(name: string, step: string, run: OurRun): void {
  const theirs = goldenArchiveLinks(name, step);
  if (theirs) compareRows(name, withoutTagsOfRevisions(bundleLinks(run)), withoutTagsOfRevisions(theirs), run);
}

/** The step that loaded the archive into a registry, when it succeeded. */
function loadStep(name: string): string | undefined {
  const step = goldenSteps(name).find((one) => /-d2m(?:-build1)?$/.test(one));
  return step !== undefined && goldenSucceeded(name, step) ? step : undefined;
}

/** Storage and Debian's registry after load, and the cluster resources, against the target registry and folder after D2M. */
function compareRegistry(name: string, run: OurRun): void {
  const step = loadStep(name);
  const theirs = step === undefined ? undefined : goldenRegistry(name, step);
  if (step === undefined || !theirs) return;
  compareRows(name, run.registry, theirs, run);
  if (run.served) compareRows(name, run.served, theirs, run);
  const rules = (goldenMirrors(name, step) ?? []).filter((rule) => !differences[name]?.theirRulesOnly?.test(rule));
  expect(run.mirrors.filter((rule) => !differences[name]?.ourRulesOnly?.test(rule))).toEqual(rules);
  expect(withoutProvenance(run.resources)).toEqual(withoutProvenance(goldenResources(name, step)));
}

function compareRows(name: string, ours: readonly string[], theirs: readonly string[], run: OurRun): void {
  const rebuilt = rebuiltRepositories(run);
  const { oursOnly, theirsOnly } = differences[name] ?? {};
  // A rebuilt catalog has another digest in every run of oc-mirror: its tags are compared, not what they mean.
  const plain = (rows: readonly string[]): string[] =>
    comparable(rows.map(withGoldenFolder)).flatMap((row) => {
      const [repository = '', tag = ''] = row.split('\t');
      if (!rebuilt.has(repository)) return [row];
      return tag === '-' ? [] : [`${repository}\t${tag}`];
    });
  const theirRows = plain(theirs).filter((row) => !theirsOnly?.test(row));
  const known = new Set(theirRows);
  expect(plain(ours).filter((row) => known.has(row) || !oursOnly?.test(row))).toEqual(theirRows);
}

/** In a link tree every tagged manifest is a revision too, and a signature's revisions have other digests: tags say enough of those. */
function withoutTagsOfRevisions(rows: readonly string[]): string[] {
  const signatures = new Set(rows.filter((row) => /\.sig\t/.test(row)).map((row) => row.split('\t')[2]));
  return rows.filter((row) => !(row.includes('\t-\t') && signatures.has(row.split('\t')[2])));
}

/** Filter hashes and filtered file-based catalogs against those that oc-mirror kept. */
async function compareCatalogs(name: string, step: string, run: OurRun): Promise<void> {
  const root = sharedPath(`golden/cases/${name}/${step}/files`);
  if (!root) return;
  const theirs = new Map<string, unknown[]>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const key = catalogKey(file);
    if (entry.isFile() && key) theirs.set(key, parseConcatenated(readFileSync(file, 'utf8')));
  }
  expect(Object.fromEntries([...(await ourCatalogs(run))].sort())).toEqual(Object.fromEntries([...theirs].sort()));
}

/** Content of `oci://` folders is named after the folder, which lies elsewhere here. */
function withGoldenFolder(row: string): string {
  const folder = (sharedPath('golden/source/oci') ?? '').slice(1);
  return row.replace(folder, 'opt/golden/src-oci');
}
