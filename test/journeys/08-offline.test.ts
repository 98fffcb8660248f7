import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AirlockOptions, airlock, startAirlock, tell } from '../helpers/airlock.ts';
import { freeSitePorts, writeSite } from '../helpers/journey-site.ts';
import { type JourneySource, startJourneySource, writeImageSet } from '../helpers/journey-source.ts';
import { describeReal } from '../helpers/real.ts';
import { suiteFolder } from '../helpers/temporary.ts';

describeReal('nothing on the bastion opens a connection to anywhere but the site', ['strace', 'ps'], () => {
  let folder: string;
  let source: JourneySource;
  let options: AirlockOptions;
  let site: string;
  const bundle = 'out/gen-000001';
  /** System calls that name a peer. */
  const trace = (file: string): string[] => [
    'strace',
    '-f',
    '-qq',
    '-e',
    'trace=connect,sendto,sendmsg,sendmmsg',
    '-o',
    file,
  ];

  beforeAll(async () => {
    folder = await suiteFolder();
    source = await startJourneySource(path.join(folder, 'source'));
    options = { cwd: folder, env: source.env };
    await writeImageSet(path.join(folder, 'imageset.yaml'), {});
    site = await writeSite(folder, { addresses: ['127.0.0.7'], mode: 'embedded', ports: await freeSitePorts() });
    const build = await airlock(['build', '-f', site, ...source.flags, 'out'], {
      ...options,
      via: trace('build.trace'),
    });
    expect(build.exitCode, tell(build)).toBe(0);
    // The trace can see: a build does reach for its source.
    expect(await peers('build.trace')).toContain('127.0.0.1');
    await source.close();
  });

  afterAll(async () => {
    if (site) await airlock(['down', '-f', site], options).catch(() => {});
    await rm(folder, { recursive: true, force: true });
  });

  test.each([
    ['verify', [bundle]],
    ['inspect', [bundle]],
    ['load', [bundle]],
  ] as const)('%s reaches for nobody at all', async (verb, args) => {
    const all = verb === 'load' ? [verb, ...args, '-f', site] : [verb, ...args];
    const ending = await airlock(all, { ...options, via: trace(`${verb}.trace`) });
    expect(ending.exitCode, tell(ending)).toBe(0);
    expect(await peers(`${verb}.trace`)).toEqual([]);
  });

  test('up with its services, emit, check, status and down reach for the site alone', async () => {
    // Traced to its end, with the services that it leaves in the background: they end with `down`.
    const up = await startAirlock(['up', '-f', site], { ...options, via: trace('up.trace') });
    try {
      await up.said(/services: started/);
      for (const verb of ['emit', 'check', 'status']) {
        const args = verb === 'emit' ? [verb, '-f', site, 'manifests'] : [verb, '-f', site];
        const ending = await airlock(args, { ...options, via: trace(`${verb}.trace`) });
        expect(ending.exitCode, tell(ending)).toBe(0);
      }
    } finally {
      const down = await airlock(['down', '-f', site], { ...options, via: trace('down.trace') });
      expect(down.exitCode, tell(down)).toBe(0);
      await up.ended;
    }
    expect(await peers('check.trace')).toContain('127.0.0.7');
    for (const verb of ['up', 'emit', 'check', 'status', 'down'])
      for (const peer of await peers(`${verb}.trace`)) expect(['127.0.0.7', '127.0.0.1'], verb).toContain(peer);
  }, 240_000);

  /** Addresses that a trace names, each once. Lines without one are about local sockets. */
  async function peers(file: string): Promise<string[]> {
    const text = await readFile(path.join(folder, file), 'utf8');
    const found = [...text.matchAll(/inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"/g)];
    return [...new Set(found.map((match) => match[1] ?? match[2] ?? ''))];
  }
});
