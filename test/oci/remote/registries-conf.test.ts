import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import {
  formatReference,
  loadRegistriesConf,
  mapReference,
  parseReference,
  parseRegistriesConf,
} from '../../../src/oci/index.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const map = (conf: string, reference: string) => {
  const mapping = mapReference(parseReference(reference), parseRegistriesConf(conf));
  return mapping.candidates.map(
    (item) => `${item.kind} ${formatReference(item.reference)}${item.insecure ? ' insecure' : ''}`,
  );
};

const mirrors = `
[[registry]]
prefix = ""
location = "quay.io/openshift-release-dev"
mirror-by-digest-only = true
  [[registry.mirror]]
  location = "registry.lab.example.com:5000/openshift"
  insecure = true
[[registry]]
location = "quay.io"
  [[registry.mirror]]
  location = "one.example.com/q"
  pull-from-mirror = "tag-only"
  [[registry.mirror]]
  location = "two.example.com"
  pull-from-mirror = "digest-only"
`;

describe('mapReference', () => {
  test('leaves a reference alone that no rule matches', () => {
    expect(map(mirrors, 'docker.io/library/kitchen:1')).toEqual(['primary docker.io/library/kitchen:1']);
    expect(map(mirrors, 'quay.io.example.com/kitchen:1')).toEqual(['primary quay.io.example.com/kitchen:1']);
  });

  test('takes the longest prefix, and mirrors by what the reference has', () => {
    expect(map(mirrors, `quay.io/openshift-release-dev/ocp@${digest}`)).toEqual([
      `mirror registry.lab.example.com:5000/openshift/ocp@${digest} insecure`,
      `primary quay.io/openshift-release-dev/ocp@${digest}`,
    ]);
    expect(map(mirrors, 'quay.io/openshift-release-dev/ocp:4')).toEqual([
      'primary quay.io/openshift-release-dev/ocp:4',
    ]);
    expect(map(mirrors, 'quay.io/openshift-release-dev2/ocp:4')).toEqual([
      'mirror one.example.com/q/openshift-release-dev2/ocp:4',
      'primary quay.io/openshift-release-dev2/ocp:4',
    ]);
    expect(map(mirrors, `quay.io/ns/name:1@${digest}`)).toEqual([
      `mirror two.example.com/ns/name:1@${digest}`,
      `primary quay.io/ns/name:1@${digest}`,
    ]);
  });

  test('a prefix may be a whole repository', () => {
    const conf = '[[registry]]\nprefix="quay.io/a/b"\nlocation="x.example.com/c"';
    expect(map(conf, 'quay.io/a/b:1')).toEqual(['primary x.example.com/c:1']);
    expect(map(conf, 'quay.io/a/bb:1')).toEqual(['primary quay.io/a/bb:1']);
  });

  test('wildcards match names below the domain, and keep the host without a location', () => {
    const conf =
      '[[registry]]\nprefix="*.example.com"\ninsecure=true\n[[registry]]\nprefix="*.b.example.com/ns"\nlocation="m.lab/x"';
    expect(map(conf, 'a.example.com/k:1')).toEqual(['primary a.example.com/k:1 insecure']);
    expect(map(conf, 'example.com/k:1')).toEqual(['primary example.com/k:1']);
    expect(map(conf, 'a.example.com.evil.org/k:1')).toEqual(['primary a.example.com.evil.org/k:1']);
    expect(map(conf, 'a.b.example.com/ns/k:1')).toEqual(['primary m.lab/x/k:1']);
    expect(map(conf, 'evil.org/a.example.com:1')).toEqual(['primary evil.org/a.example.com:1']);
    expect(map(conf, 'a.example.com:5000/k:1')).toEqual(['primary a.example.com:5000/k:1 insecure']);
  });

  test('a blocked registry leaves only its mirrors', () => {
    const conf = '[[registry]]\nlocation="quay.io"\nblocked=true\n[[registry.mirror]]\nlocation="m.lab:5000"';
    expect(map(conf, 'quay.io/k:1')).toEqual(['mirror m.lab:5000/k:1']);
    expect(mapReference(parseReference('quay.io/k:1'), parseRegistriesConf(conf)).blocked).toBe(true);
  });

  test('IPv6 literals with port are prefixes and locations like any other', () => {
    const conf = '[[registry]]\nlocation="[2001:db8::1]:5000/a"\n[[registry.mirror]]\nlocation="[2001:db8::2]:5000"';
    expect(map(conf, '[2001:db8::1]:5000/a/k:1')[0]).toBe('mirror [2001:db8::2]:5000/k:1');
  });
});

describe('parseRegistriesConf', () => {
  test.each([
    ['broken TOML', '[[registry'],
    ['version 1', '[registries.search]\nregistries=["a"]'],
    ['neither prefix nor location', '[[registry]]\ninsecure=true'],
    ['prefix without location', '[[registry]]\nprefix="a.example.com"'],
    ['wildcard inside', '[[registry]]\nprefix="a.*.com"\nlocation="b"'],
    ['wildcard location', '[[registry]]\nlocation="*.com"'],
    ['scheme', '[[registry]]\nlocation="https://a.example.com"'],
    ['mirror without location', '[[registry]]\nlocation="a.example.com"\n[[registry.mirror]]\ninsecure=true'],
    [
      'unknown pull-from-mirror',
      '[[registry]]\nlocation="a"\n[[registry.mirror]]\nlocation="b"\npull-from-mirror="never"',
    ],
    [
      'both digest switches',
      '[[registry]]\nlocation="a"\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation="b"\npull-from-mirror="all"',
    ],
    ['no list', 'registry="a"'],
  ])('refuses %s', (_, text) => {
    expect(() => parseRegistriesConf(text, 'r.conf')).toThrow(
      expect.objectContaining({ code: 'REGISTRIES_CONF_INVALID' }),
    );
    expect(() => parseRegistriesConf(text, 'r.conf')).toThrow(/^r\.conf: /);
  });

  test('lets pass what is not about mirrors', () => {
    const text = 'unqualified-search-registries=["docker.io"]\nshort-name-mode="enforcing"\n[aliases]\n"a"="b/c"';
    expect(parseRegistriesConf(text).rules).toEqual([]);
  });
});

describe('loadRegistriesConf', () => {
  const rule = (prefix: string, location: string): string =>
    `[[registry]]\nprefix="${prefix}"\nlocation="${location}"\n`;
  const locations = async (places: Parameters<typeof loadRegistriesConf>[0]) =>
    (await loadRegistriesConf(places, quietRun())).rules.map((item) => `${item.prefix}=${item.location}`);

  test('the user file takes the place of the system one; drop-ins of both add to it, later ones win', async () => {
    const folder = await temporaryFolder();
    const home = path.join(folder, 'home/.config/containers');
    await mkdir(path.join(home, 'registries.conf.d'), { recursive: true });
    await mkdir(path.join(folder, 'etc.conf.d'));
    const systemFile = path.join(folder, 'etc.conf');
    await writeFile(systemFile, rule('a.io', 'system'));
    await writeFile(path.join(folder, 'etc.conf.d/10.conf'), rule('b.io', 'ten') + rule('c.io', 'ten'));
    await writeFile(path.join(folder, 'etc.conf.d/20.conf'), rule('c.io', 'twenty'));
    await writeFile(path.join(folder, 'etc.conf.d/notes.txt'), 'not TOML [');
    expect(await locations({ systemFile })).toEqual(['a.io=system', 'b.io=ten', 'c.io=twenty']);
    await writeFile(path.join(home, 'registries.conf'), rule('d.io', 'user'));
    await writeFile(path.join(home, 'registries.conf.d/1.conf'), rule('c.io', 'user'));
    const homeDir = path.join(folder, 'home');
    expect(await locations({ systemFile, homeDir })).toEqual(['d.io=user', 'b.io=ten', 'c.io=user']);
    expect(await locations({ file: systemFile, homeDir })).toEqual(['a.io=system', 'b.io=ten', 'c.io=twenty']);
  });

  test('a named file that is missing is an error, no file at all is not', async () => {
    const folder = await temporaryFolder();
    const none = path.join(folder, 'none.conf');
    await expect(loadRegistriesConf({ file: none }, quietRun())).rejects.toMatchObject({
      code: 'REGISTRIES_CONF_INVALID',
    });
    expect(await locations({ systemFile: none, homeDir: folder })).toEqual([]);
  });
});
