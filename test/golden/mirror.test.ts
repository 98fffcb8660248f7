import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { type MirrorOutcome, mirror, type SourceSettings } from '../../src/workflow/index.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { describeReal, describeShared, sharedPath } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { comparable, goldenMirrors, goldenRegistry } from './expected.ts';
import { type GoldenSource, startGoldenSource } from './golden-source.ts';
import { caseRequest, hastyRun, listStorage, mirrorRules, readConfig, readResources } from './run-case.ts';

describeReal('mirror to mirror', ['docker-registry', 'python3'], () => {
  describeShared('golden cases', 'golden/cases', () => {
    let source: GoldenSource;
    beforeAll(async () => {
      source = await startGoldenSource();
    });
    afterAll(() => source?.close());

    /** Without graph: the graph image cannot be built where the update service is overridden (golden case 04h). */
    async function mirrorCase(name: string, prefix: string) {
      const folder = path.join(await temporaryFolder(), 'work');
      await mkdir(folder, { recursive: true });
      const imageSetFile = path.join(folder, 'isc.yaml');
      await writeFile(
        imageSetFile,
        readConfig(name, 'isc.yaml', source.chartsUrl).replace('graph: true', 'graph: false'),
      );
      const registry = await startDockerRegistry({ storage: path.join(folder, 'target') });
      const { env } = source;
      const settings: SourceSettings = {
        tlsVerify: false,
        retryTimes: 2,
        retryDelaySeconds: 0,
        parallelImages: 4,
        parallelLayers: 8,
        env,
        homeFolder: folder,
      };
      const again = (): Promise<MirrorOutcome> =>
        mirror(
          {
            imageSetFile,
            folder,
            full: true,
            target: { registry: registry.host, prefix },
            targetSettings: { tlsVerify: false },
            outputFolder: path.join(folder, 'cluster-resources'),
            source: settings,
            selection: {
              ignoreReleaseSignature: false,
              removeSignatures: false,
              releaseKeyFile: env['OCP_SIGNATURE_VERIFICATION_PK'],
              updateUrl: env['UPDATE_URL_OVERRIDE'],
              signatureUrl: env['OCP_SIGNATURE_URL'],
            },
          },
          quietRun(),
        );
      return {
        result: await again(),
        again,
        host: registry.host,
        rows: await listStorage(path.join(folder, 'target')),
      };
    }

    test.each([
      ['10a-m2m-mix', '', 'mirror.airgap.example:5610'],
      ['10b-m2m-prefix', 'some/prefix', 'localhost:5611'],
    ])('%s gives the repositories, tags, digests and mirror sets of oc-mirror', async (name, prefix, golden) => {
      const { result, again, host, rows } = await mirrorCase(name, prefix);
      expect(result.missing).toEqual([]);
      const plain = (all: readonly string[]): string[] =>
        comparable(all).filter(
          (row) => !/graph-image|mu-operator-bundle|(?:redhat-operator-index|community-index|catalog)\t/.test(row),
        );
      expect(plain(rows)).toEqual(plain(goldenRegistry(name, '1-m2m') ?? []));
      const rules = mirrorRules(readResources(result.clusterResources)).map((rule) => rule.replaceAll(host, golden));
      expect(rules).toEqual(goldenMirrors(name, '1-m2m'));
      const second = await again();
      expect(second).toMatchObject({
        state: 'nothing-new',
        copied: { pushedBlobs: 0, pushedManifests: 0, pushedTags: 0 },
      });
    });

    test('18-registries-conf asks the mirrors that registries.conf names, and no original host', async () => {
      const name = '18-registries-conf';
      const folder = path.join(await temporaryFolder(), 'work');
      const request = await caseRequest(name, folder, { env: source.env, chartsUrl: source.chartsUrl, full: true });
      const [enclave, second] = [await startDockerRegistry(), await startDockerRegistry()];
      const to = (registry: string, prefix: string, env: Readonly<Record<string, string>>): Promise<MirrorOutcome> =>
        mirror(
          {
            ...request,
            workspace: path.join(folder, prefix),
            target: { registry, prefix },
            targetSettings: { tlsVerify: false },
            outputFolder: path.join(folder, prefix, 'cluster-resources'),
            source: { ...request.source, env },
          },
          hastyRun(),
        );
      expect((await to(enclave.host, 'ent', source.env)).state).toBe('complete');
      const conf = path.join(folder, 'registries.conf');
      const text = readFileSync(sharedPath(`golden/cases/${name}/registries.conf`) ?? '', 'utf8');
      // The original hosts are an address that does not exist: whoever asks them fails.
      await writeFile(conf, text.replaceAll('mirror.airgap.example:5610', enclave.host));
      const result = await to(second.host, 'second', { CONTAINERS_REGISTRIES_CONF: conf });
      expect(result).toMatchObject({ state: 'complete', missing: [] });
      const plain = (rows: readonly string[]): string[] =>
        comparable(rows).filter((row) => !row.includes('community-index'));
      expect(plain(await listStorage(second.storage))).toEqual(plain(goldenRegistry(name, '2-m2m-enclave') ?? []));
      const rules = mirrorRules(readResources(result.clusterResources));
      expect(rules.map((rule) => rule.replaceAll(second.host, 'localhost:5611'))).toEqual(
        goldenMirrors(name, '2-m2m-enclave'),
      );
    });

    test('05v-op-platforms into a registry that wants every platform makes no object for the catalog that it refuses', async () => {
      const { result, rows } = await mirrorCase('05v-op-platforms', '');
      expect(result).toMatchObject({ state: 'incomplete', errorBits: 4 });
      expect(rows.filter((row) => row.startsWith('redhat/redhat-operator-index\tv4.19'))).toEqual([]);
      expect(result.clusterResources.map((file) => path.basename(file)).sort()).toEqual([
        'idms-oc-mirror.yaml',
        'itms-oc-mirror.yaml',
      ]);
    });

    test('13i-m2m-missing writes the cluster resources of the rest, and says what is missing', async () => {
      const { result } = await mirrorCase('13i-m2m-missing', '');
      expect(result).toMatchObject({ state: 'incomplete', errorBits: 8 });
      expect(result.missing[0]?.cause).toMatch(/unknown|not found|404/i);
      expect(readFileSync(result.clusterResources[0] ?? '', 'utf8')).toContain('MirrorSet');
    });
  });
});
