import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type MirrorMapping, renderRegistriesConf } from '../../src/manifests/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const digest = digestOf('pan');
const rule = (pull: MirrorMapping['pull'], mirror: string): MirrorMapping => ({
  category: 'generic',
  pull,
  source: 'registry.invalid/kitchen',
  mirrors: [mirror],
});

describeReal('an emitted registries.conf in the hands of skopeo', ['skopeo'], () => {
  // Nothing listens on port 1 of loopback, and the source is blocked: what is asked shows in the error, and nothing leaves the machine.
  async function ask(rules: readonly MirrorMapping[], reference: string): Promise<string> {
    const home = await temporaryFolder();
    const folder = path.join(home, '.config/containers');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'registries.conf'), renderRegistriesConf(rules, { blockSources: true }));
    const { stderr } = spawnSync('skopeo', ['inspect', '--retry-times', '0', `docker://${reference}`], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: home },
    });
    return stderr;
  }

  test('leads a pull by digest to the mirror', async () => {
    expect(await ask([rule('digest', '127.0.0.1:1/a')], `registry.invalid/kitchen/pan@${digest}`)).toContain(
      '127.0.0.1:1',
    );
  });

  test('does not lead a pull by tag to a mirror for digests', async () => {
    const stderr = await ask([rule('digest', '127.0.0.1:1/a')], 'registry.invalid/kitchen/pan:1');
    expect(stderr).toContain('blocked');
    expect(stderr).not.toContain('127.0.0.1:1');
  });

  test('reads a table with both kinds of mirror', async () => {
    const rules = [rule('digest', '127.0.0.1:1/a'), rule('tag', '127.0.0.1:1/b')];
    expect(await ask(rules, `registry.invalid/kitchen/pan@${digest}`)).toContain('127.0.0.1:1');
    expect(await ask(rules, 'registry.invalid/kitchen/pan:1')).toContain('127.0.0.1:1');
  });
});
