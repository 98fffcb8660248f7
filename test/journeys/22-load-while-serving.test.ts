import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SiteStatus } from '../../src/workflow/index.ts';
import { type AirlockOptions, airlock, tell } from '../helpers/airlock.ts';
import { suiteFolder } from '../helpers/temporary.ts';

describe('a bundle that is loaded while an empty, read-only bastion serves', () => {
  let options: AirlockOptions;
  const site = ['-f', 'airlock-demo/site.yaml'];
  const go = async (...args: string[]): Promise<string> => {
    const ending = await airlock(args, options);
    expect(ending.exitCode, tell(ending)).toBe(0);
    return ending.stdout;
  };

  beforeAll(async () => {
    options = { cwd: await suiteFolder() };
    await go('demo');
    // The bundle stays on its media; the bastion is another, new one.
    await rm(path.join(options.cwd, 'airlock-demo/bastion'), { recursive: true, force: true });
    await rm(path.join(options.cwd, 'airlock-demo/manifests'), { recursive: true, force: true });
  }, 240_000);

  afterAll(async () => {
    await airlock(['down', ...site], options);
    await rm(options.cwd, { recursive: true, force: true });
  });

  test('is served without a restart: status, status page and the whole check agree', async () => {
    await go('up', ...site);
    await go('registry', 'read-only', 'on', ...site);
    const before = JSON.parse(await go('status', ...site, '-o', 'json')) as SiteStatus;
    expect(before).toMatchObject({ healthy: true, webFiles: 0, generations: [] });
    await go('load', 'airlock-demo/media/gen-000001', ...site);
    await go('emit', 'airlock-demo/manifests', ...site);
    await expect
      .poll(async () => (await airlock(['check', ...site], options)).exitCode, { timeout: 60_000, interval: 1000 })
      .toBe(0);
    const after = JSON.parse(await go('status', ...site, '-o', 'json')) as SiteStatus;
    expect(after.background?.pid).toBe(before.background?.pid);
    expect(after.webFiles).toBeGreaterThan(0);
    const web = after.services.find((one) => one.scheme === 'http');
    const page = await (await fetch(`http://${web?.address}/`)).text();
    for (const words of ['Generation', after.releases[0]?.split(' ')[0] ?? '?', 'digest checked', 'sha256'])
      expect(page.toLowerCase()).toContain(words.toLowerCase());
  }, 360_000);
});
