import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeReal, describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { extractArchives } from './disk-to-mirror/extract.ts';
import { diskToMirror } from './disk-to-mirror/run.ts';
import { type GoldenSource, startGoldenSource } from './golden-source.ts';
import { ourCatalogs } from './outcome.ts';
import { type CaseOptions, type OurRun, runCase } from './run-case.ts';

const head = 'apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\nmirror:\n';
const certified = 'registry.redhat.io/redhat/certified-operator-index:v4.19';
const redHat = 'registry.redhat.io/redhat/redhat-operator-index:v4.19';
const community = 'registry.example.com/acme/community-index:latest';
const stable = (minor: number, more: string): string => `{name: stable-4.${minor}${more}}`;
const only = (version: string): string => `, minVersion: ${version}, maxVersion: ${version}`;

interface CatalogBlob {
  readonly schema: string;
  readonly name?: string;
  readonly entries?: readonly { readonly name?: string; readonly reference?: { readonly name?: string } }[];
}

// What the golden source holds and no recorded run touched, by the rules of the reference that the recorded runs prove.
describeReal('content of the golden source that no golden case has', ['docker-registry', 'python3'], () => {
  describeShared('selected, loaded, and read by oc-mirror --from', 'golden/cases', () => {
    let source: GoldenSource;
    beforeAll(async () => {
      source = await startGoldenSource();
    });
    afterAll(() => source?.close());

    const workFolder = async (): Promise<string> => path.join(await temporaryFolder(), 'work');

    /** Builds and loads a configuration of the test's own: that of the named case gives way to it. */
    async function play(body: string, folder: string, more: Partial<CaseOptions> = {}): Promise<OurRun> {
      const { env, chartsUrl } = source;
      const text = head + body.replaceAll('https://charts.example.com', chartsUrl);
      const run = await runCase('01-additional', folder, { env, chartsUrl, editConfig: () => text, ...more });
      expect(run.build).toMatchObject({ state: 'complete', missing: [] });
      return run;
    }

    /** `repository:tag` of what a disk-to-mirror run of the real tool, as the reference tells it, would make of the bundle. */
    async function readByOcMirror({ build, folder }: OurRun): Promise<string[]> {
      const folders = { workingDir: path.join(folder, 'oc-mirror/working-dir'), cache: path.join(folder, 'oc-cache') };
      const copied = await diskToMirror(extractArchives(build.folder, folders), {
        imageSetFile: path.join(folder, 'isc.yaml'),
        ignoreReleaseSignature: false,
        askSource: (reference) => {
          throw new Error(`${reference} would be asked for at its source`);
        },
      });
      return [...new Set(copied.map((one) => `${one.repository}:${one.targetTag}`))].sort();
    }

    const tagsOf = ({ registry }: OurRun): string[] =>
      registry
        .map((row) => row.split('\t'))
        .filter(([, tag = '']) => tag !== '-' && !tag.endsWith('.sig'))
        .map(([repository, tag]) => `${repository}:${tag}`)
        .sort();

    const releasesOf = (tags: readonly string[]): string[] =>
      tags.flatMap((tag) => /^openshift\/release-images:(.*)$/.exec(tag)?.[1] ?? []);

    const kubeVirt = (tag: string): string => `openshift/release:${tag}-kube-virt-container`;

    test.each([
      [
        'a maxVersion alone',
        `channels: [${stable(19, ', maxVersion: 4.19.8')}]`,
        ['4.18.22-x86_64', '4.18.24-x86_64', '4.19.8-x86_64'],
      ],
      [
        'a shortest path where there is none',
        `channels: [${stable(19, ', minVersion: 4.18.24, maxVersion: 4.19.8, shortestPath: true')}]`,
        ['4.18.24-x86_64', '4.19.8-x86_64'],
      ],
      [
        'two channels two minors apart',
        `channels: [${stable(18, only('4.18.20'))}, ${stable(20, only('4.20.3'))}]`,
        ['4.18.20-x86_64', '4.18.24-x86_64', '4.19.10-x86_64', '4.20.1-x86_64', '4.20.3-x86_64'],
      ],
      [
        'an EUS channel behind a stable one',
        `channels: [${stable(18, only('4.18.24'))}, {name: eus-4.20${only('4.20.1')}}]`,
        ['4.18.24-x86_64', '4.19.10-x86_64', '4.20.1-x86_64'],
      ],
      [
        'the shortest path of an EUS channel',
        'channels: [{name: eus-4.20, minVersion: 4.18.24, maxVersion: 4.20.1, shortestPath: true}]',
        ['4.18.24-x86_64', '4.19.10-x86_64', '4.20.1-x86_64'],
      ],
      [
        'one release for all architectures and for one',
        `architectures: [multi, amd64]\n    channels: [${stable(20, only('4.20.1'))}]`,
        ['4.20.1-multi', '4.20.1-x86_64'],
      ],
      ['an arm64 channel', `architectures: [arm64]\n    channels: [${stable(20, '')}]`, ['4.20.1-aarch64']],
    ])('%s', async (_, platform, releases) => {
      const run = await play(`  platform:\n    ${platform}\n`, await workFolder());
      const tags = tagsOf(run);
      expect(releasesOf(tags)).toEqual(releases);
      expect(await readByOcMirror(run)).toEqual(tags);
    });

    test.each([
      ['4.18 for amd64', `channels: [${stable(18, '')}]`, ['b530e33d3483'], [kubeVirt('4.18.24-x86_64')]],
      [
        '4.20 for amd64 and arm64',
        `architectures: [amd64, arm64]\n    channels: [${stable(20, only('4.20.1'))}]`,
        ['48caf1e2c182'],
        [kubeVirt('4.20.1-aarch64'), kubeVirt('4.20.1-x86_64')],
      ],
      [
        '4.20 for all architectures',
        `architectures: [multi]\n    channels: [${stable(20, '')}]`,
        ['48caf1e2c182', 'f7789f8fd0bd'],
        [`${kubeVirt('4.20.1-multi')}-s390x`, `${kubeVirt('4.20.1-multi')}-x86_64`],
      ],
    ])('KubeVirt boot images of %s', async (_, platform, digests, names) => {
      const run = await play(`  platform:\n    kubeVirtContainer: true\n    ${platform}\n`, await workFolder());
      const tags = tagsOf(run);
      expect(tags.filter((tag) => tag.includes('kube-virt'))).toEqual(names);
      const found = run.registry
        .filter((row) => row.includes('kube-virt'))
        .map((row) => row.split('\t')[2]?.slice(7, 19));
      expect([...new Set(found)].sort()).toEqual(digests);
      expect(await readByOcMirror(run)).toEqual(tags);
    });

    /** Channels with their entries, deprecations, and other documents of a package, as words. */
    async function filtered(run: OurRun): Promise<Record<string, string[]>> {
      const words = (text: unknown): string => {
        const { schema, name = '', entries } = JSON.parse(String(text)) as CatalogBlob;
        const version = (entry: string): string => entry.replace(/^[a-z-]+\.v/, '');
        if (schema === 'olm.channel') return `${name}: ${entries?.map((one) => version(one.name ?? '')).join(' ')}`;
        if (schema === 'olm.bundle') return `bundle ${version(name)}`;
        if (schema === 'olm.deprecations')
          return `deprecated: ${entries?.map((one) => version(one.reference?.name ?? 'all')).join(' ')}`;
        return schema;
      };
      const catalogs = await ourCatalogs(run);
      return Object.fromEntries(
        [...catalogs].map(([key, blobs]) => [key.split('/')[1] || 'no package', blobs.map(words).sort()]).sort(),
      );
    }

    const iotaHead = ['acme.package.extra', 'bundle 5.1.0', 'olm.package', 'stable: 5.1.0'];
    const others = ['acme.catalog.info'];

    test.each([
      [
        'heads of a catalog in one file, with documents of no package',
        `  - catalog: ${certified}\n`,
        {
          'iota-operator': iotaHead,
          'kappa-operator': ['bundle 0.1.0', 'bundle 1.0.1', 'olm.package', 'v0: 0.1.0', 'v1: 1.0.1'],
          'no package': others,
        },
      ],
      [
        'a range that follows replaces out of its channel',
        `  - catalog: ${certified}\n    packages: [{name: kappa-operator, minVersion: 0.1.0}, {name: iota-operator}]\n`,
        {
          'iota-operator': iotaHead,
          'kappa-operator': [
            'bundle 0.1.0',
            'bundle 1.0.0',
            'bundle 1.0.1',
            'olm.package',
            'v0: 0.1.0',
            'v1: 1.0.0 1.0.1',
          ],
          'no package': others,
        },
      ],
      [
        'a range that leaves a channel empty',
        `  - catalog: ${certified}\n    packages: [{name: kappa-operator, minVersion: 1.0.0}]\n`,
        {
          'kappa-operator': ['bundle 1.0.0', 'bundle 1.0.1', 'olm.package', 'v1: 1.0.0 1.0.1'],
          'no package': others,
        },
      ],
      [
        'all versions, with every deprecation',
        `  - catalog: ${redHat}\n    full: true\n    packages: [{name: epsilon-operator}]\n`,
        {
          'epsilon-operator': [
            ...['0.8.0', '0.9.0', '1.0.0', '1.1.0'].map((version) => `bundle ${version}`),
            'deprecated: all old 0.9.0 1.0.0',
            'old: 0.8.0 0.9.0',
            'olm.package',
            'stable: 0.9.0 1.0.0 1.1.0',
          ],
        },
      ],
      [
        'a range with the deprecations of what is left',
        `  - catalog: ${redHat}\n    packages: [{name: epsilon-operator, minVersion: 1.0.0}]\n`,
        {
          'epsilon-operator': [
            'bundle 1.0.0',
            'bundle 1.1.0',
            'deprecated: all 1.0.0',
            'olm.package',
            'stable: 1.0.0 1.1.0',
          ],
        },
      ],
      [
        'all versions of one channel, which becomes the default one',
        `  - catalog: ${redHat}\n    full: true\n    packages:\n    - {name: gamma-operator, defaultChannel: stable-2.1, channels: [{name: stable-2.1}]}\n`,
        { 'gamma-operator': ['bundle 2.1.0', 'bundle 2.1.5', 'olm.package', 'stable-2.1: 2.1.0 2.1.5'] },
      ],
      [
        'a catalog by its digest, under a tag of its own',
        '  - catalog: registry.example.com/acme/community-index@sha256:a79f416690861ee2051a2ec9463bde1e5c2e6ec1ee958c9698858ae04e1c7609\n    targetTag: v7\n    packages: [{name: lambda-operator}]\n',
        { 'lambda-operator': ['bundle 0.2.0', 'main: 0.2.0', 'olm.package'] },
      ],
    ])('%s', async (_, operators, expected) => {
      const run = await play(`  operators:\n${operators}`, await workFolder());
      expect(await filtered(run)).toEqual(expected);
      expect(await readByOcMirror(run)).toEqual(tagsOf(run));
    });

    test('a catalog whose tag moves between two generations, in one registry and in one cache of oc-mirror', async () => {
      const link = 'docker/registry/v2/repositories/acme/moving-index/_manifests/tags/latest/current/link';
      const file = path.join(source.storage, link);
      const before = readFileSync(file, 'latin1');
      const folder = await workFolder();
      const body = '  operators:\n  - catalog: registry.example.com/acme/moving-index:latest\n';
      const first = await play(body, folder);
      expect((await filtered(first))['lambda-operator']).toEqual(['bundle 0.2.0', 'main: 0.2.0', 'olm.package']);
      expect(await readByOcMirror(first)).toEqual(tagsOf(first));
      writeFileSync(file, 'sha256:36f3c1fe285d847c4e639877dc612e32a147a5e6f203d1ed0665fe3a0e0d6207');
      const second = await play(body, folder).finally(() => writeFileSync(file, before));
      expect(second.build.generation).toBe(2);
      expect((await filtered(second))['lambda-operator']).toEqual(['bundle 0.3.0', 'main: 0.3.0', 'olm.package']);
      const copied = await readByOcMirror(second);
      expect(copied).toContain('acme/moving-index:latest');
      // What the first generation brought stays in the registry.
      expect(tagsOf(second)).toEqual([...new Set([...tagsOf(first), ...copied])].sort());
      const tagOf = ({ registry }: OurRun): string | undefined =>
        registry.find((row) => row.startsWith('acme/moving-index\tlatest\t'));
      expect(tagOf(second)).not.toBe(tagOf(first));
    });

    test('a catalog that is listed as an additional image too keeps its name for what was filtered', async () => {
      const body = `  operators:\n  - catalog: ${community}\n    packages: [{name: lambda-operator}]\n  additionalImages:\n  - name: ${community}\n`;
      const run = await play(body, await workFolder());
      expect(run.build.notes.map(({ code, subject }) => `${code} ${subject}`)).toEqual([
        'IMAGE_NAME_SHARED acme/community-index:latest',
      ]);
      const [digest = ''] = run.registry.flatMap((row) => /^acme\/community-index\tlatest\t(.*)$/.exec(row)?.[1] ?? []);
      const built = path.join(
        run.folder,
        'storage/docker/registry/v2/blobs/sha256',
        digest.slice(7, 9),
        digest.slice(7),
      );
      expect(JSON.parse(readFileSync(path.join(built, 'data'), 'utf8'))).toMatchObject({ manifests: [{}] });
    });

    test('all charts of a repository, whose index lies where oc-mirror looks for it, however the URL ends', async () => {
      for (const end of ['/stable/', '/stable/index.yaml', '/stable']) {
        const url = `https://charts.example.com${end}`;
        const run = await play(`  helm:\n    repositories:\n    - {name: acme, url: ${url}}\n`, await workFolder());
        expect(tagsOf(run).map((tag) => tag.replace(/(sha256-.{12}).*/, '$1'))).toEqual([
          'acme/db:0.3',
          'acme/db:sha256-beeb0c52524d',
          'acme/exporter:9',
          'acme/web-init:0.1',
          'acme/web:1.0',
          'acme/web:1.1',
        ]);
        // Its images come of rendering; charts and index are looked for.
        await readByOcMirror(run);
        const charts = ['acme-db-0.3.0', 'acme-umbrella-2.0.0', 'acme-web-1.0.0', 'acme-web-1.1.0', 'acme-lib-0.1.0'];
        const there = charts.map((name) =>
          existsSync(path.join(run.folder, 'oc-mirror/working-dir/helm/charts', `${name}.tgz`)),
        );
        expect(there).toEqual([true, true, true, true, false]);
      }
    });
  });
});
