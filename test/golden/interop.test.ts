import { readFileSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeReal, describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { type BuiltCase, checkReadable } from './disk-to-mirror/check.ts';
import { goldenFile, goldenSteps } from './expected.ts';
import { type GoldenSource, startGoldenSource } from './golden-source.ts';
import { buildCase, type CaseOptions } from './run-case.ts';

describeReal('oc-mirror --from reads our volumes', ['docker-registry', 'python3'], () => {
  // The cases that cases.test.ts plays are read by it too.
  describeShared('of golden cases', 'golden/cases', () => {
    let source: GoldenSource;
    beforeAll(async () => {
      source = await startGoldenSource();
    });
    afterAll(() => source?.close());

    /** Builds a case with the flags of its first step. */
    async function built(name: string, work: string, more: Partial<CaseOptions> = {}): Promise<BuiltCase> {
      const command = readFileSync(goldenFile(name, goldenSteps(name)[0] ?? '', 'command') ?? '', 'utf8');
      const removeSignatures = command.includes('--remove-signatures');
      const options = { removeSignatures, env: source.env, chartsUrl: source.chartsUrl, ...more };
      const { state, folder } = await buildCase(name, work, options);
      expect(state).toBe('complete');
      return { name, folder, work, options };
    }
    const workFolder = async (): Promise<string> => path.join(await temporaryFolder(), 'work');

    test('08-incremental: the second generation after the first, in one cache, but not alone', async () => {
      const name = '08-incremental';
      const work = await workFolder();
      const first = await built(name, work, { config: 'isc-1.yaml' });
      await checkReadable(first);
      const tag = 'docker/registry/v2/repositories/acme/rolling/_manifests/tags/latest/current/link';
      const before = readFileSync(path.join(source.storage, tag), 'latin1');
      const moved = 'sha256:f0a4bf97aabe2c89a8ecc4ddb8546fe831fbeadf6d4f630828e38e53aff3b28b';
      writeFileSync(path.join(source.storage, tag), moved);
      const second = await built(name, work, { config: 'isc-2.yaml' }).finally(() =>
        writeFileSync(path.join(source.storage, tag), before),
      );
      const { copied } = await checkReadable({ ...second, step: '4-d2m-build2' });
      expect(copied.find((one) => one.repository === 'acme/rolling')?.digest).toBe(moved);
      const alone = await workFolder();
      await caseConfiguration(second.work, alone);
      await expect(checkReadable({ ...second, work: alone })).rejects.toThrow(/blob unknown/);
    });

    test('12a-del: a mix of everything in many small volumes', async () => {
      const { extraction } = await checkReadable(
        await built('12a-del', await workFolder(), { volumeSizeBytes: 100_000 }),
      );
      expect(extraction.archives.length).toBeGreaterThan(5);
    });

    test.each(['10d-d2m-prefix-nested', '12b-del-signed', '13h-damaged-archive', '17-auth'])('%s', async (name) => {
      await checkReadable(await built(name, await workFolder()));
    });
  });
});

/** The same configuration for a far side of its own. */
async function caseConfiguration(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await copyFile(path.join(from, 'isc.yaml'), path.join(to, 'isc.yaml'));
}
