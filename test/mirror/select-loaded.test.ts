import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseDeleteImageSet } from '../../src/config/index.ts';
import { selectLoaded } from '../../src/mirror/index.ts';
import { collectParsed, type GoldenSource, openGoldenSource, readImageSet } from '../helpers/golden.ts';
import { describeShared } from '../helpers/real.ts';

const mirrorHead = 'kind: ImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\nmirror:\n';
const deleteHead = 'kind: DeleteImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\ndelete:\n';
const index = '  operators:\n  - catalog: registry.redhat.io/redhat/redhat-operator-index:v4.19\n    packages:\n';
const range = `${index}    - {name: alpha-operator, channels: [{name: stable}, {name: fast, maxVersion: 1.1.1}]}\n`;
const release = '  platform:\n    channels: [{name: stable-4.19, minVersion: 4.19.10, maxVersion: 4.19.10}]\n';
const charts = (list: string): string =>
  `  helm:\n    repositories: [{name: acme, url: 'https://charts.example.com/stable', charts: [${list}]}]\n`;

describeShared('selectLoaded over the golden source', 'golden', (golden) => {
  let source: GoldenSource;
  beforeAll(async () => {
    source = await openGoldenSource(golden);
  });
  afterAll(() => source.close());

  /** Tags, or repositories where tags are digests, that a deletion selects of what was mirrored. */
  async function selected(mirrored: string, deletion: string): Promise<string[]> {
    const options = { removeSignatures: true, helmProgram: '/nonexistent/helm' };
    const set = await collectParsed(source, readImageSet('isc.yaml', mirrorHead + mirrored), options);
    expect(set.missing).toEqual([]);
    const { value } = parseDeleteImageSet(deleteHead + deletion, 'disc.yaml');
    if (!value) throw new Error('the deletion is not read');
    const chosen = selectLoaded(value, set).selected;
    return chosen
      .flatMap((image) => image.operators?.bundles ?? [`${image.repository}:${image.tag}`])
      .filter((one, at, all) => all.indexOf(one) === at)
      .sort();
  }

  describe('operators', () => {
    test('the filter that mirrored them selects all that it brought, also what its range kept around itself', async () => {
      const bundles = ['1.1.0', '1.1.1', '1.2.0', '1.3.0'].map((version) => `alpha-operator.v${version}`);
      expect(await selected(range, range)).toEqual(bundles);
    });

    test('another filter selects what lies in its range, whose short end holds all that begins with it', async () => {
      const wanted = `${index}    - {name: alpha-operator, maxVersion: "1.1"}\n`;
      expect(await selected(range, wanted)).toEqual(['alpha-operator.v1.1.0', 'alpha-operator.v1.1.1']);
    });

    test('a range whose ends are one version selects that bundle', async () => {
      const wanted = `${index}    - {name: alpha-operator, minVersion: "1.1", maxVersion: "1.1"}\n`;
      expect(await selected(range, wanted)).toEqual(['alpha-operator.v1.1.0']);
    });
  });

  test('a bundle that another catalog has too stays until both are named', async () => {
    const lambda = (name: string): string =>
      `  - {catalog: 'registry.example.com/acme/${name}:latest', packages: [{name: lambda-operator}]}\n`;
    const [one, both] = [lambda('community-index'), lambda('community-index') + lambda('moving-index')];
    expect(await selected(`  operators:\n${both}`, `  operators:\n${one}`)).toEqual([]);
    expect(await selected(`  operators:\n${both}`, `  operators:\n${both}`)).toEqual(['lambda-operator.v0.2.0']);
  });

  test('the boot image of a release goes when it is asked for', async () => {
    const [virtual, plain] = [`${release}    kubeVirtContainer: true\n`, release];
    const boot = 'openshift/release:4.19.10-x86_64-kube-virt-container';
    expect(await selected(virtual, virtual)).toContain(boot);
    const without = await selected(virtual, plain);
    expect(without).not.toContain(boot);
    expect(without).toHaveLength(11);
  });

  test('an image of two charts goes with the second of them', async () => {
    const [old, young] = ['{name: acme-web, version: 1.0.0}', '{name: acme-web, version: 1.1.0}'];
    const both = charts(`${old}, ${young}`);
    expect(await selected(both, charts(old))).toEqual(['acme/web:1.0']);
    expect(await selected(both, charts(young))).toEqual(['acme/web:1.1']);
    expect(await selected(both, charts('{name: acme-web, version: ~1.0}'))).toEqual(['acme/web:1.0']);
    expect(await selected(both, both)).toContain('acme/exporter:9');
    expect(await selected(both, '  helm: {local: [{path: ./acme-web-1.0.0.tgz}]}\n')).toEqual(['acme/web:1.0']);
  });

  test('a repository without a list of charts selects all that came from it, and an empty list none', async () => {
    const whole = (url: string, rest = ''): string => `  helm: {repositories: [{name: acme, url: '${url}'${rest}}]}\n`;
    const mirrored = charts('{name: acme-web, version: 1.0.0}, {name: acme-web, version: 1.1.0}');
    const everything = await selected(mirrored, mirrored);
    expect(everything).toContain('acme/web:1.0');
    const url = 'https://charts.example.com/stable';
    for (const one of [url, `${url}/`, `${url}/index.yaml`, url.replace('https:', 'http:')])
      expect(await selected(mirrored, whole(one))).toEqual(everything);
    expect(await selected(mirrored, whole('https://charts.example.com/other'))).toEqual([]);
    const empty = `  additionalImages: [{name: 'registry.example.com/acme/none:1'}]\n${whole(url, ', charts: []')}`;
    expect(await selected(mirrored, empty)).toEqual([]);
  });

  test('an additional image goes under the name that the deletion gives it', async () => {
    const name = 'registry.example.com/acme/widgets:1.0';
    const both = `  additionalImages:\n  - name: ${name}\n  - {name: ${name}, targetRepo: moved/widgets, targetTag: v1}\n`;
    expect(await selected(both, `  additionalImages: [{name: ${name}}]\n`)).toEqual(['acme/widgets:1.0']);
    expect(
      await selected(both, `  additionalImages: [{name: ${name}, targetRepo: moved/widgets, targetTag: v1}]\n`),
    ).toEqual(['moved/widgets:v1']);
  });
});
