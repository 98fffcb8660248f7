import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { useJourney } from '../helpers/journey.ts';
import { freeSitePorts, writeSite } from '../helpers/journey-site.ts';
import { writeImageSet } from '../helpers/journey-source.ts';

const run = promisify(execFile);
const journey = useJourney();
const { at, json } = journey;

beforeAll(async () => {
  await writeImageSet(at('imageset.yaml'), {});
  await writeFile(at('butane'), '#!/bin/sh\necho butane\n');
});

describe('tools', () => {
  test('come out of the release payload for the architecture asked for, run on the bastion, and have checksums', async () => {
    const sum = createHash('sha256')
      .update(await readFile(at('butane')))
      .digest('hex');
    const tools = ['--tools', `oc,kubectl,butane=butane#sha256:${sum}`, '--tools-arch', 'arm64'];
    const flags = ['-c', 'imageset.yaml', ...journey.source.flags, ...tools, 'out'];
    await json(0, 'build', ...flags);
    await json(0, 'load', 'out', 'storage:registry', '--tools-dir', 'tools');
    for (const name of ['oc', 'kubectl']) {
      const { stdout } = await run(at('tools', name));
      expect(stdout).toContain('arm64');
    }
    expect((await run(at('tools/butane'))).stdout).toBe('butane\n');
    const { stdout } = await run('sha256sum', ['--strict', '-c', 'SHA256SUMS'], { cwd: at('tools') });
    expect(stdout.trim().split('\n')).toEqual(['butane: OK', 'kubectl: OK', 'oc: OK']);
    expect(await json(0, 'build', ...flags)).toMatchObject({ state: 'nothing-new' });
  });

  test('come along by themselves where there is a site', async () => {
    await writeSite(journey.folder, { addresses: ['127.0.0.1'], mode: 'embedded', ports: await freeSitePorts() });
    await json(0, 'build', '-f', 'site.yaml', '--no-rhcos', ...journey.source.flags, 'site');
    await json(0, 'load', 'site', '-f', 'site.yaml');
    expect((await run(at('bastion/state/tools/oc'))).stdout).toContain('amd64');
  });

  test('that a server has otherwise than was said are missing by that name, and nothing is sealed', async () => {
    const server = http.createServer((_request, response) => response.setHeader('Content-Length', 5).end('ladle'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ladle`;
    try {
      const tools = ['--tools', `ladle=${url}#sha256:${'0'.repeat(64)}`];
      const built = await json(3, 'build', '-c', 'imageset.yaml', ...journey.source.flags, ...tools, 'other');
      expect(built).toMatchObject({ state: 'incomplete', missing: [{ type: 'tool', origin: url }] });
    } finally {
      server.close();
    }
  });

  test('that are not there make the set incomplete, those that nobody knows are refused', async () => {
    const plan = (...tools: string[]) => [
      'plan',
      '-c',
      'imageset.yaml',
      ...journey.source.flags,
      '--tools',
      ...tools,
      'missing',
    ];
    expect(await json(5, ...plan('oc', '--tools-arch', 's390x'))).toMatchObject({
      plan: { missing: [{ type: 'tool', code: 'TOOL_MISSING' }] },
    });
    expect(await json(2, ...plan('spoon'))).toMatchObject({ error: { code: 'USAGE' } });
    expect(await json(2, ...plan('x=https://tools.example.com/x'))).toMatchObject({ error: { code: 'USAGE' } });
    expect(await json(2, ...plan('../x=butane'))).toMatchObject({ error: { code: 'USAGE' } });
  });
});
