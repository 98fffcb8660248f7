import { cp, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { applyPrune, collectPruned, planPrune, undoPrune } from '../../src/bundle/index.ts';
import { backupCertificates, ensureCertificates, restoreCertificates } from '../../src/certs/index.ts';
import { isAirlockError } from '../../src/core/errors.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { certsSigningKey, exportInventory, verify } from '../../src/workflow/index.ts';
import { load } from '../../src/workflow/load.ts';
import { buildSample } from '../bundle/build-sample.ts';
import { moduleFolder } from '../bundle/module-folder.ts';
import { makeSample } from '../bundle/sample.ts';
import { sourceSettings } from '../golden/run-case.ts';
import { faults, sweepFaults } from '../helpers/fault-sweep.ts';
import { createFaultyDisk } from '../helpers/faulty-disk.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { listTree } from '../helpers/tree.ts';

const folder = moduleFolder();
const at = (...names: string[]): string => path.join(folder(), ...names);
/** Without waiting for the real disk; at the same time always. */
const now = (): Date => new Date('2026-11-21T10:00:00Z');
const run = (): Run => quietRun({ disk: createFaultyDisk(), now });
/** A run with a fault, at that time too. */
const timed = (own: Run): Run => ({ ...own, now });

beforeAll(async () => {
  const files = [
    { path: 'airlock/coreos/live.iso', bytes: Buffer.alloc(3000, 7), webPath: '/rhcos/1/x86_64/live.iso' },
    { path: 'airlock/tools/oc', bytes: Buffer.from('#!/bin/sh\n'), role: 'tool' as const },
  ];
  const images = (name: string) => [{ repository: `harbour/${name}`, tag: 'v1', layers: [[name, 5000]] as const }];
  await buildSample(makeSample({ images: images('crane'), files }), at('out'));
  await buildSample(makeSample({ images: images('tug') }), at('other'));
  await loadAll(at('site'), [at('out'), at('other')], run());
});

/** Loads with everything that a load leaves: storage, web root, tools with their sums, records, cluster resources. */
async function loadAll(into: string, bundles: readonly string[], own: Run): Promise<void> {
  for (const bundle of bundles) {
    const request = {
      bundle,
      target: { kind: 'storage', folder: path.join(into, 'storage') },
      servedAs: { registry: 'registry.example.com:5000', prefix: 'site' },
      outputFolder: path.join(into, 'resources'),
      webFolder: path.join(into, 'web'),
      toolsFolder: path.join(into, 'tools'),
      stateFolder: path.join(into, 'state'),
      source: sourceSettings({}, into),
      targetSettings: { tlsVerify: false },
    } as const;
    await load(request, own);
  }
}

/**
 * A tree without what a run that lost its power left under temporary names (and as a lock, since this process goes on), and without records that
 * name the folder.
 */
async function visible(where: string): Promise<Record<string, string>> {
  const tree = await listTree(where).catch(() => ({}));
  return Object.fromEntries(
    Object.entries(tree).filter(([name]) => !/(?:^|\/)\.[^/]*\.tmp$|\/load\.json$|^state\/lock\b/.test(name)),
  );
}

/** A disk that says no, and one that forgets; the two others differ only in what they are called and what they keep. */
const kinds = faults.filter(([kind]) => kind === 'ENOSPC' || kind.includes('loses names'));

const nothing = async (): Promise<void> => {};

describe.each(kinds)('%s at every step', { timeout: 300_000 }, (kind, faultOf, losesNames) => {
  test('of a load with tools, web files, records and cluster resources, then a re-run, leaves what an undisturbed load leaves', async () => {
    const undisturbed = await temporaryFolder();
    await loadAll(undisturbed, [at('out')], run());
    const wanted = await visible(undisturbed);
    expect(Object.keys(wanted)).toEqual(expect.arrayContaining(['tools/SHA256SUMS', 'web/rhcos/1/x86_64/live.iso']));
    expect(Object.keys(wanted).some((name) => name.startsWith('resources/'))).toBe(true);
    const check = async (into: string): Promise<void> => expect(await visible(into)).toEqual(wanted);
    const total = await sweepFaults(
      (into, own) =>
        loadAll(into, [at('out')], timed(own)).catch(async (error: unknown) => {
          // Taken over where the process is gone, as it would be.
          await rm(path.join(into, 'state/lock'), { force: true });
          throw error;
        }),
      nothing,
      faultOf,
      losesNames,
      check,
    );
    expect(total).toBeGreaterThan(100);
  });

  test('of a prune, its undoing and its end, then a re-run, leaves names that are whole, or none', async () => {
    const options = (into: string) => ({
      storageRoot: path.join(into, 'storage'),
      stateFolder: path.join(into, 'state'),
      keep: 1,
      liveDigests: [],
    });
    const prepare = (into: string): Promise<void> => cp(at('site'), into, { recursive: true });
    const untouched = await visible(at('site', 'storage'));
    const takeAway = async (into: string, own: Run): Promise<void> => {
      // What broke off is put back before it is begun again.
      await undoPrune(options(into), own);
      await applyPrune(await planPrune(options(into), own), options(into), own);
    };
    const putBack = async (into: string): Promise<void> => {
      await undoPrune(options(into), run());
      expect(await visible(path.join(into, 'storage'))).toEqual(untouched);
    };
    await sweepFaults(takeAway, prepare, faultOf, losesNames, putBack);
    const pruned = await temporaryFolder();
    await prepare(pruned);
    await takeAway(pruned, run());
    const preparePruned = (into: string): Promise<void> => cp(pruned, into, { recursive: true });
    await sweepFaults((into, own) => undoPrune(options(into), own), preparePruned, faultOf, losesNames, putBack);
    const end = async (into: string, own: Run): Promise<void> => {
      await collectPruned(options(into), own);
    };
    const collected = await temporaryFolder();
    await preparePruned(collected);
    await end(collected, run());
    const wanted = await visible(path.join(collected, 'storage'));
    expect(wanted).not.toEqual(untouched);
    await sweepFaults(end, preparePruned, faultOf, losesNames, async (into) => {
      expect(await visible(path.join(into, 'storage'))).toEqual(wanted);
    });
  });

  test('of receipts, need lists and inventories leaves the file of before, or the new one, and after a re-run the new one', async () => {
    await cp(at('out'), at(`damaged ${kind}`), { recursive: true });
    await rm(at(`damaged ${kind}`, 'gen-000001/mirror_000001.tar'));
    const write = async (into: string, own: Run): Promise<void> => {
      const bundle = at(`damaged ${kind}`, 'gen-000001');
      const needListFile = path.join(into, 'need.json');
      await verify({ bundle, media: [], needListFile, reportFolder: into, verifiedBy: 'nobody' }, timed(own));
      const bastion = { siteFile: undefined, storageFolder: at('site/storage'), stateFolder: at('site/state') };
      await exportInventory({ ...bastion, file: path.join(into, 'inventory.json') }, timed(own));
    };
    const undisturbed = await temporaryFolder();
    await write(undisturbed, run());
    const wanted = await visible(undisturbed);
    expect(Object.keys(wanted).sort()).toEqual([
      'inventory.json',
      'need.json',
      'receipt-000001.html',
      'receipt-000001.json',
      'receipt-000001.md',
    ]);
    const check = async (into: string): Promise<void> => expect(await visible(into)).toEqual(wanted);
    await sweepFaults(write, nothing, faultOf, losesNames, check);
  });

  test('of making, saving and restoring certificates, then a re-run, leaves a CA and a server certificate with their keys', async () => {
    const options = (into: string) => ({
      folder: path.join(into, 'certs'),
      names: ['registry.example.com'],
      addresses: ['192.0.2.1'],
      authorityName: 'Airlock site CA kitchen',
      keyBits: { authority: 2048, leaf: 2048 },
    });
    const make = async (into: string, own: Run): Promise<void> => {
      await ensureCertificates(options(into), timed(own));
    };
    // Keys take their time: once, on the disk that forgets most.
    if (losesNames)
      await sweepFaults(make, nothing, faultOf, losesNames, async (into) => {
        expect((await ensureCertificates(options(into), run())).changed).toBe(false);
      });
    await make(at(`ca ${kind}`), run());
    const good = await visible(at(`ca ${kind}`, 'certs'));
    expect(Object.entries(good).filter(([name, text]) => name.endsWith('.key') && !text.startsWith('600 '))).toEqual(
      [],
    );
    const save = async (into: string, own: Run): Promise<void> => {
      const file = path.join(into, 'backup.json');
      await backupCertificates(at(`ca ${kind}`, 'certs'), file, timed(own));
      await restoreCertificates({ file, folder: path.join(into, 'certs') }, timed(own));
    };
    await sweepFaults(save, nothing, faultOf, losesNames, async (into) => {
      expect(await visible(path.join(into, 'certs'))).toEqual(good);
    });
  });
});

test.each(['EIO', 'ENOSPC'] as const)(
  '%s at any step of making a signing key leaves both halves, or neither',
  async (kind) => {
    for (let step = 1; ; step += 1) {
      const into = await temporaryFolder();
      const key = path.join(into, 'signing.key');
      const failure = await certsSigningKey(key, quietRun({ disk: createFaultyDisk({ kind, at: step }) })).catch(
        (error: unknown) => error,
      );
      const names = await readdir(into);
      if (!isAirlockError(failure)) {
        expect(names.sort()).toEqual(['signing.key', 'signing.pub']);
        expect(step).toBeGreaterThan(10);
        return;
      }
      expect(names, `step ${step}`).toEqual([]);
      await certsSigningKey(key, run());
      expect(await readFile(key, 'utf8')).toContain('PRIVATE KEY');
    }
  },
);
