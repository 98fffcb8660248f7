import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { load } from '../../src/workflow/index.ts';
import { describeReal, describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { playBuild } from '../mirror/oc-mirror/golden-run.ts';
import { goldenSteps, withoutProvenance } from './expected.ts';
import { type GoldenSource, startGoldenSource } from './golden-source.ts';
import {
  goldenTarget,
  hastyRun,
  listStorage,
  mirrorRules,
  type OurRun,
  readResources,
  runCase,
  sourceSettings,
} from './run-case.ts';

// The golden files keep the archives of four cases only. For these others an archive of the same form is made of our own bundle, and the golden
// output is played beside it: what the driver reads out of both has to be what the built-in engine selected.
const cases = [
  '03d-release-two-arches',
  '03j-release-platforms',
  '04a-release-by-digest',
  '04c-release-ignore-gpg',
  '04d-release-kubevirt',
  '04f-graph',
  '05k-op-target-names',
  '05p-op-related-kinds',
  '06a-charts-listed',
  '07f-blocked',
];

/** An archive as oc-mirror makes it: our own members taken out. */
async function strip(bundle: string, folder: string): Promise<string> {
  const unpacked = path.join(folder, 'unpacked');
  await mkdir(unpacked, { recursive: true });
  for (const volume of readdirSync(bundle).filter((name) => name.endsWith('.tar')))
    execFileSync('tar', ['xf', path.join(bundle, volume), '-C', unpacked]);
  const archive = path.join(folder, 'archive.tar');
  const own = readdirSync(unpacked).filter((name) => name !== 'airlock');
  const files = execFileSync('find', [...own, '-type', 'f'], { cwd: unpacked }).toString();
  execFileSync(
    'tar',
    ['cf', archive, '--format=posix', '--pax-option=delete=atime,delete=ctime', '-C', unpacked, '-T', '-'],
    { input: files },
  );
  return archive;
}

describeReal('adopting', ['python3'], () => {
  describeShared('golden cases', 'golden', (golden) => {
    let source: GoldenSource;
    beforeAll(async () => {
      source = await startGoldenSource();
    });
    afterAll(() => source?.close());

    test.for(cases)('%s is read back as it was selected', async (name) => {
      const folder = path.join(await temporaryFolder(), 'work');
      const ignoreReleaseSignature = name === '04c-release-ignore-gpg';
      const options = { env: source.env, chartsUrl: source.chartsUrl, ignoreReleaseSignature };
      const ours: OurRun = await runCase(name, folder, options);
      const archive = await strip(ours.build.folder, folder);
      const played = await playBuild(golden, `${name}/${goldenSteps(name)[0]}`);
      const selection = {
        coreosArchitectures: [],
        releaseKeyFile: path.join(golden, 'source/release-key.asc'),
        ignoreReleaseSignature,
        removeSignatures: false,
      };
      const result = await played.build({ env: { STAND_IN_ARCHIVE: archive }, request: { selection } });
      expect(result).toMatchObject({ state: 'complete', missing: [] });
      expect(result.notes.filter((note) => note.code.startsWith('OC_MIRROR'))).toEqual([]);
      const storage = path.join(folder, 'adopted');
      const loaded = await load(
        {
          bundle: result.folder,
          target: { kind: 'storage', folder: storage },
          servedAs: goldenTarget,
          outputFolder: path.join(folder, 'adopted-resources'),
          source: sourceSettings({}, folder),
          targetSettings: { tlsVerify: false },
        },
        hastyRun(),
      );
      expect(await listStorage(storage)).toEqual(ours.registry);
      const resources = readResources(loaded.clusterResources);
      expect(mirrorRules(resources)).toEqual(ours.mirrors);
      expect(withoutProvenance(resources)).toEqual(withoutProvenance(ours.resources));
    });
  });
});
