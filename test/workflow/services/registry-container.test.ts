import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadSite, type Site } from '../../../src/config/index.ts';
import { quietRun } from '../../../src/core/run.ts';
import type { ContainerEngine, ContainerSpec, ContainerState } from '../../../src/registry/index.ts';
import { ensureRegistry, removeRegistry, siteContainer } from '../../../src/workflow/site/registry-container.ts';
import { freeSitePorts, writeSite } from '../../helpers/journey-site.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const run = quietRun();

/** Keeps one container and forgets it. */
function fakeEngine(): ContainerEngine & { readonly held: () => ContainerState | undefined } {
  let held: ContainerState | undefined;
  const set = (running: boolean): void => {
    if (held) held = { ...held, running };
  };
  return {
    endpoint: 'unix:///fake.sock',
    held: () => held,
    version: async () => '5.0.0',
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
      states.push(await ensureRegistry(engine, site, siteContainer(site, config, certificate), false, run));
    expect(states).toEqual(['created', 'unchanged', 'recreated', 'recreated']);
  });

  test('of another site is neither replaced nor removed', async () => {
    const [first, second, engine] = [await openSite(), await openSite(), fakeEngine()];
    await ensureRegistry(engine, first, siteContainer(first, 'one', 'first'), false, run);
    const attempt = ensureRegistry(engine, second, siteContainer(second, 'one', 'first'), false, run);
    await expect(attempt).rejects.toMatchObject({ code: 'PODMAN_FAILED' });
    expect(await removeRegistry(engine, second, false, run)).toBe(false);
    expect(engine.held()?.running).toBe(true);
    expect(await removeRegistry(engine, first, false, run)).toBe(true);
    expect(engine.held()).toBeUndefined();
  });
});
