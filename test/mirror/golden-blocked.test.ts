import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectParsed, type GoldenSource, openGoldenSource, readImageSet } from '../helpers/golden.ts';
import { describeShared } from '../helpers/real.ts';

const head = 'kind: ImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\nmirror:\n';
const release = '  platform:\n    channels: [{name: stable-4.19, minVersion: 4.19.10, maxVersion: 4.19.10}]\n';
const eta =
  '  operators:\n  - catalog: registry.redhat.io/redhat/redhat-operator-index:v4.19\n    packages: [{name: eta-operator}]\n';

describeShared('blockedImages over the golden source', 'golden', (golden) => {
  let source: GoldenSource;
  beforeAll(async () => {
    source = await openGoldenSource(golden);
  });
  afterAll(() => source.close());

  async function namesOf(body: string, pattern: string) {
    const text = `${head}${body}  blockedImages: [{name: '${pattern}'}]\n`;
    const set = await collectParsed(source, readImageSet(path.join(source.folder, 'isc.yaml'), text), {
      removeSignatures: true,
    });
    expect(set.missing).toEqual([]);
    return { set, names: new Set(set.images.map((image) => image.repository)) };
  }

  // Reference §8.2: a pattern drops what it matches, and nothing with it.
  test('a pattern for the payload leaves its components in, and there is no release', async () => {
    const { set, names } = await namesOf(release, 'ocp-release:');
    expect([...names]).toEqual(['openshift/release']);
    expect(set.images).toHaveLength(10);
    expect(set.releases).toEqual([]);
  });

  test('a pattern for the catalog leaves its operators in, and there is no catalog', async () => {
    const { set, names } = await namesOf(eta, 'redhat-operator-index');
    expect([...names].sort()).toEqual(['acme-eta/eta-operator-bundle', 'acme-eta/eta-operator-rhel9']);
    expect(set.catalogs).toEqual([]);
  });

  // Before the name in the mirror oc-mirror has the host of its cache, so that no pattern finds the name from its first letter on.
  test.each([
    ['^acme-eta/', 3],
    ['/acme-eta/', 1],
    ['^registry.redhat.io/acme-eta/', 1],
  ])('of %s the slash before the name counts', async (pattern, repositories) => {
    const { names } = await namesOf(eta, pattern);
    expect(names.size).toBe(repositories);
  });

  test('a pattern for a bundle leaves the catalog as it is', async () => {
    const { set, names } = await namesOf(eta, 'eta-operator-bundle@');
    expect([...names].sort()).toEqual(['acme-eta/eta-operator-rhel9', 'redhat/redhat-operator-index']);
    expect(set.catalogs).toHaveLength(1);
  });
});
