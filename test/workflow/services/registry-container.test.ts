import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { loadSite, type Site } from '../../../src/config/index.ts';
import { type Disk, nodeDisk } from '../../../src/core/disk.ts';
import { quietRun } from '../../../src/core/run.ts';
import type { ContainerEngine, ContainerSpec, ContainerState } from '../../../src/registry/index.ts';
import { ensureRegistry, removeRegistry, siteContainer } from '../../../src/workflow/site/registry-container.ts';
import { freeSitePorts, writeSite } from '../../helpers/journey-site.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const run = quietRun();

/** No systemd anywhere. */
const byHand = { scope: undefined, left: undefined };

/** Keeps one container and forgets it. */
function fakeEngine(version = '5.0.0'): ContainerEngine & { readonly held: () => ContainerState | undefined } {
  let held: ContainerState | undefined;
  const set = (running: boolean): void => {
    if (held) held = { ...held, running };
  };
  return {
    endpoint: 'unix:///fake.sock',
    held: () => held,
    version: async () => version,
    loadImage: async () => [],
    findImage: async () => 'sha256:kitchen',
    findContainer: async () => held,
    createContainer: async ({ labels }: ContainerSpec) => {
      held = { id: '1', running: false, imageId: '', labels, startedAt: undefined, exitCode: undefined };
    },
    startContainer: async () => set(true),
    stopContainer: async () => set(false),
    removeContainer: async () => {
      held = undefined;
    },
    logs: () => Promise.reject(new Error('not asked')),
  };
}

async function openSite(): Promise<Site> {
  const folder = await temporaryFolder();
  const file = await writeSite(folder, { addresses: ['127.0.0.1'], mode: 'podman', ports: await freeSitePorts() });
  await writeFile(path.join(folder, 'imageset.yaml'), '');
  expect(await readFile(file, 'utf8')).toContain('podman');
  const { site } = await loadSite(file, run);
  for (const name of ['data', 'certs', 'auth', 'conf'])
    await run.disk.makeDirectory(path.join(site.paths.registry, name));
  return site;
}

describe('the registry container of a site', () => {
  test('is made anew for another certificate or configuration, and for nothing else', async () => {
    const [site, engine] = [await openSite(), fakeEngine()];
    const states: string[] = [];
    for (const [config, certificate] of [
      ['one', 'first'],
      ['one', 'first'],
      ['one', 'second'],
      ['two', 'second'],
    ] as const)
      states.push(await ensureRegistry(engine, site, siteContainer(site, config, certificate), byHand, run));
    expect(states).toEqual(['created', 'unchanged', 'recreated', 'recreated']);
  });

  test('of another site is neither replaced nor removed', async () => {
    const [first, second, engine] = [await openSite(), await openSite(), fakeEngine()];
    await ensureRegistry(engine, first, siteContainer(first, 'one', 'first'), byHand, run);
    const attempt = ensureRegistry(engine, second, siteContainer(second, 'one', 'first'), byHand, run);
    await expect(attempt).rejects.toMatchObject({ code: 'PODMAN_FAILED' });
    expect(await removeRegistry(engine, second, undefined, run)).toBe(false);
    expect(engine.held()?.running).toBe(true);
    expect(await removeRegistry(engine, first, undefined, run)).toBe(true);
    expect(engine.held()).toBeUndefined();
  });

  test('has one unit, of the form that Podman reads, also after an update of Podman; another site has its own', async () => {
    const [site, folder] = [await openSite(), await temporaryFolder()];
    await writeFile(path.join(folder, 'systemctl'), '#!/bin/sh\n', { mode: 0o755 });
    vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    // The units of this host stay as they are: /etc is a folder of this test.
    const place = (file: string): string => (file.startsWith('/etc/') ? path.join(folder, file) : file);
    const disk: Disk = {
      ...nodeDisk,
      open: (file, access, mode) => nodeDisk.open(place(file), access, mode),
      rename: (from, to) => nodeDisk.rename(place(from), place(to)),
      remove: (file) => nodeDisk.remove(place(file)),
      makeDirectory: (file, mode) => nodeDisk.makeDirectory(place(file), mode),
      stat: (file) => nodeDisk.stat(place(file)),
      syncDirectory: (file) => nodeDisk.syncDirectory(place(file)),
    };
    const hosted = quietRun({ disk });
    const [plain, quadlet] = [
      'systemd/system/airlock-registry.service',
      'containers/systemd/airlock-registry.container',
    ];
    const units = () => [plain, quadlet].map((name) => existsSync(path.join(folder, 'etc', name)));
    const up = (version: string, one = site) =>
      ensureRegistry(fakeEngine(version), one, siteContainer(one, 'one', 'first'), { scope: {}, left: {} }, hosted);
    await up('4.5.1');
    expect(units()).toEqual([true, false]);
    await up('5.4.0');
    expect(units()).toEqual([false, true]);
    await up('4.5.1');
    expect(units()).toEqual([true, false]);
    expect(await removeRegistry(fakeEngine('5.4.0'), await openSite(), {}, hosted)).toBe(false);
    expect(units()).toEqual([true, false]);
    expect(await removeRegistry(fakeEngine('5.4.0'), site, {}, hosted)).toBe(true);
    expect(units()).toEqual([false, false]);
    // Left to systemd by one run, kept by a process in the next: systemd must not start its container over the new one.
    await up('5.4.0');
    const spec = siteContainer(site, 'one', 'first');
    await ensureRegistry(fakeEngine('5.4.0'), site, spec, { scope: undefined, left: {} }, hosted);
    expect(units()).toEqual([false, false]);
    // A unit that is new and does not start is not left to try for ever.
    await writeFile(path.join(folder, 'systemctl'), '#!/bin/sh\n[ "$1" != restart ]\n', { mode: 0o755 });
    await expect(up('5.4.0')).rejects.toMatchObject({ code: expect.stringMatching(/^(PODMAN|COMMAND)_FAILED$/) });
    expect(units()).toEqual([false, false]);
  });
});
