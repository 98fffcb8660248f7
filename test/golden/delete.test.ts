import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { parseYamlStream } from '../../src/core/yaml.ts';
import { executeDeletion, generateDeletion, load, type SourceSettings } from '../../src/workflow/index.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { describeReal, describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { goldenFile, goldenRegistry } from './expected.ts';
import { type GoldenSource, startGoldenSource } from './golden-source.ts';
import { goldenTarget, hastyRun, listStorage, readConfig, runCase, sourceSettings } from './run-case.ts';

interface DeletionList {
  readonly items: readonly { readonly imageName: string; readonly imageReference: string; readonly type: string }[];
}

describeReal('deletion', ['docker-registry', 'python3'], () => {
  describeShared('golden cases', 'golden/cases', () => {
    let source: GoldenSource;
    beforeAll(async () => {
      source = await startGoldenSource();
    });
    afterAll(() => source?.close());

    async function prepare(name: string, disc: string) {
      const folder = path.join(await temporaryFolder(), 'work');
      const ours = await runCase(name, folder, {
        env: source.env,
        chartsUrl: source.chartsUrl,
        editConfig: (text) => text.replace('graph: true', 'graph: false'),
      });
      const deleteSetFile = path.join(folder, 'disc.yaml');
      await writeFile(deleteSetFile, readConfig(name, disc, source.chartsUrl).replace('graph: true', 'graph: false'));
      return { folder, ours, deleteSetFile };
    }

    const rows = (list: DeletionList): string[] =>
      list.items
        .filter((item) => item.type !== 'cincinnatiGraph')
        .map((item) => `${item.type} ${item.imageName} ${item.imageReference}`)
        .sort();

    test('12a-del lists what oc-mirror lists, but for what another image still needs', async () => {
      const { ours, deleteSetFile, folder } = await prepare('12a-del', 'disc.yaml');
      const result = await generateDeletion(
        {
          deleteSetFile,
          target: goldenTarget,
          bundle: ours.build.folder,
          outputFolder: path.join(folder, 'delete'),
          signatures: false,
        },
        quietRun(),
      );
      const [golden] = parseYamlStream(
        readFileSync(goldenFile('12a-del', '3-gen', 'files/in/working-dir/delete/delete-images.yaml') ?? '', 'utf8'),
      ) as DeletionList[];
      const [written] = parseYamlStream(readFileSync(result.file, 'utf8')) as DeletionList[];
      const configuration = path.join(path.dirname(result.file), 'delete-imageset-config.yaml');
      expect(readFileSync(configuration, 'utf8')).toContain('kind: DeleteImageSetConfiguration\n');
      // acme/widgets:1.0 is an additional image too, which the deletion does not name.
      const theirs = rows(golden ?? { items: [] }).filter((row) => !row.includes('acme/widgets:1.0'));
      expect(rows(written ?? { items: [] })).toEqual(theirs);
      expect(result.kept).toContain('registry.example.com/acme/widgets:1.0');
    });

    test('12a-del is carried out, and again: shared digests go once, what is gone is done, what stays can be pulled', async () => {
      const { ours, deleteSetFile, folder } = await prepare('12a-del', 'disc.yaml');
      const registry = await startDockerRegistry({ storage: path.join(folder, 'target') });
      const settings: SourceSettings = {
        tlsVerify: false,
        retryTimes: 1,
        retryDelaySeconds: 0,
        parallelImages: 4,
        parallelLayers: 8,
        env: {},
        homeFolder: folder,
      };
      const target = { registry: registry.host, prefix: '' };
      const targetSettings = { tlsVerify: false };
      await load(
        {
          bundle: ours.build.folder,
          target: { kind: 'registry', ...target },
          outputFolder: folder,
          source: settings,
          targetSettings,
        },
        quietRun(),
      );
      const before = await listStorage(path.join(folder, 'target'));
      const list = await generateDeletion(
        {
          deleteSetFile,
          target,
          bundle: ours.build.folder,
          outputFolder: path.join(folder, 'delete'),
          signatures: true,
        },
        quietRun(),
      );
      const first = await executeDeletion(
        { listFile: list.file, target, source: settings, targetSettings },
        quietRun(),
      );
      expect(first.failed).toEqual([]);
      expect(first.deleted.length).toBeGreaterThan(10);
      const after = await listStorage(path.join(folder, 'target'));
      expect(after.some((row) => row.startsWith('acme/widgets\t1.0\t'))).toBe(true);
      expect(after.some((row) => row.startsWith('acme/toolbox\t3.1\t'))).toBe(false);
      expect(after.length).toBeLessThan(before.length);
      const second = await executeDeletion(
        { listFile: list.file, target, source: settings, targetSettings },
        quietRun(),
      );
      expect(second).toMatchObject({ deleted: [], failed: [] });
    });

    test('12b-del-signed: signatures go with their images when asked for, and what was never mirrored selects nothing', async () => {
      const name = '12b-del-signed';
      const { ours, deleteSetFile, folder } = await prepare(name, 'disc.yaml');
      const registry = await startDockerRegistry();
      const source = sourceSettings({}, folder);
      const targetSettings = { tlsVerify: false };
      const target = { registry: registry.host, prefix: '' };
      const common = { bundle: ours.build.folder, outputFolder: path.join(folder, 'delete') };
      const placed = { ...common, target: { kind: 'registry', ...target }, source, targetSettings } as const;
      expect(await load(placed, hastyRun())).toMatchObject({ state: 'loaded' });
      const generate = (file: string) =>
        generateDeletion({ ...common, deleteSetFile: file, target, signatures: true }, hastyRun());
      const list = await generate(deleteSetFile);
      const [golden] = parseYamlStream(
        readFileSync(goldenFile(name, '3-gen-sigs', 'files/in/working-dir/delete/delete-images.yaml') ?? '', 'utf8'),
      ) as DeletionList[];
      const own = rows({ items: list.items }).map((row) => row.replaceAll(registry.host, goldenTarget.registry));
      expect(own).toEqual(rows(golden ?? { items: [] }));
      const done = await executeDeletion({ listFile: list.file, target, source, targetSettings }, hastyRun());
      expect(done).toMatchObject({ failed: [], gone: [] });
      expect(await listStorage(registry.storage)).toEqual(goldenRegistry(name, '4-exec-force-cache'));
      await writeFile(
        deleteSetFile,
        readFileSync(deleteSetFile, 'utf8').replace(/acme\/[a-z]+:[\d.]+/g, 'acme/never:1.0'),
      );
      await expect(generate(deleteSetFile)).rejects.toMatchObject({ code: 'NOTHING_SELECTED' });
    });
  });
});
