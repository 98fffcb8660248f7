import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTar } from '../../src/mirror/layer/tar-reader.ts';
import {
  archiveTags,
  collectCase,
  commandOptions,
  type GoldenSource,
  linkHash,
  openGoldenSource,
  stepFolder,
  targetTags,
} from '../helpers/golden.ts';
import { describeShared } from '../helpers/real.ts';

describeShared('collectImageSet on golden release and image cases', 'golden', (golden) => {
  let source: GoldenSource;
  beforeAll(async () => {
    source = await openGoldenSource(golden);
  });
  afterAll(() => source.close());

  const cases: [string][] = [
    ['01-additional'],
    ['02a-release-minmax'],
    ['02b-release-head'],
    ['02c-release-shortest'],
    ['02e-release-min-only'],
    ['02f-release-full'],
    ['02h-release-badrange'],
    ['03a-release-two-channels'],
    ['03c-release-cross-blocked'],
    ['03d-release-two-arches'],
    ['03e-release-multi'],
    ['03h-release-arm64'],
    ['03j-release-platforms'],
    ['04a-release-by-digest'],
    ['04b-release-by-tag'],
    ['04c-release-ignore-gpg'],
    ['04d-release-kubevirt'],
    ['04f-graph'],
    ['04i-override-urls'],
    ['07a-remove-sigs'],
    ['07c-sparse'],
  ];
  test.each(cases)('%s selects what the real tool put into registry or archive', async (name) => {
    const set = await collectCase(source, path.join(golden, 'cases', name, 'isc.yaml'), commandOptions(golden, name));
    expect(set.missing).toEqual([]);
    const d2m = stepFolder(golden, name, 'd2m');
    const m2d = stepFolder(golden, name, 'm2d');
    const expected = d2m ? targetTags(d2m) : m2d ? archiveTags(m2d) : new Map<string, string>();
    const own = new Map(
      set.images
        .flatMap((image) => image.targets.map((target) => ({ image, name: `${target.repository}:${target.tag}` })))
        // Referrers are carried by ours only.
        .filter(({ image }) => !image.reason.startsWith('referrer'))
        .map(({ image, name: full }) => [full, d2m ? image.digest : linkHash(image.digest)]),
    );
    // Signature images are carried byte for byte, the real tool re-writes them: the same tags with other digests.
    const comparable = (tags: Map<string, string>) =>
      Object.fromEntries(
        [...tags]
          .map(([tag, digest]) => [
            tag,
            tag.endsWith('.sig') || tag === 'openshift/graph-image:latest' ? 'own' : digest,
          ])
          .sort(),
      );
    expect(expected.size).toBeGreaterThan(0);
    expect(comparable(own)).toEqual(comparable(expected));
  });

  test('03k-release-arches-differ resolves each architecture on its own (the real tool drops the second in silence)', async () => {
    const set = await collectCase(source, path.join(golden, 'cases/03k-release-arches-differ/isc.yaml'));
    expect(set.missing).toEqual([]);
    expect(set.releases.map((release) => `${release.version} ${release.architecture}`)).toEqual([
      '4.20.1 arm64',
      '4.20.3 amd64',
    ]);
  });

  test('04f-graph builds what the real tool builds, over every instance of the base image', async () => {
    const set = await collectCase(source, path.join(golden, 'cases/04f-graph/isc.yaml'));
    const image = set.images.find((one) => one.type === 'cincinnatiGraph');
    const real = JSON.parse(readFileSync(path.join(golden, 'cases/04f-graph/1-m2d/graph-image.json'), 'utf8'));
    expect(image?.mediaType).toBe(real.manifest.mediaType);
    const read = (digest = '') =>
      JSON.parse(readFileSync(path.join(set.workspace, 'blobs/sha256', digest.slice(7)), 'utf8'));
    const index = read(image?.digest);
    expect(index.manifests.map((one: { platform: unknown }) => one.platform)).toEqual(
      real.manifest.manifests.map((one: { platform: unknown }) => one.platform),
    );
    for (const [at, child] of index.manifests.entries()) {
      const [own, golden] = [read(child.digest), real.instances[at].manifest];
      const config = read(own.config.digest);
      expect(own.layers.slice(0, -1)).toEqual(golden.layers.slice(0, -1));
      expect(own.layers.map((one: { mediaType: string }) => one.mediaType)).toEqual(
        golden.layers.map((one: { mediaType: string }) => one.mediaType),
      );
      expect(config.config).toEqual(real.instances[at].config.config);
      expect(config.history).toEqual(real.instances[at].config.history);
    }
    const layer = index.manifests.length > 0 ? read(index.manifests[0].digest).layers.at(-1).digest : '';
    const tar = gunzipSync(readFileSync(path.join(set.workspace, 'blobs/sha256', layer.slice(7))));
    const contents = async (bytes: Buffer, prefix: string): Promise<Map<string, string>> => {
      const files = new Map<string, string>();
      await readTar([bytes], (member) => {
        if (member.kind !== 'file') return undefined;
        const name = `${prefix}${member.name}`;
        files.set(name, '');
        return (chunk) => void files.set(name, `${files.get(name)}${chunk.toString('latin1')}`);
      });
      return files;
    };
    const files = await contents(tar, '/');
    const served = gunzipSync(readFileSync(path.join(golden, 'source/web/api.openshift.com/graph-data.tar.gz')));
    expect([...files].sort()).toEqual([...(await contents(served, '/var/lib/cincinnati-graph-data/'))].sort());
    const expected = real.instances[0].layers.at(-1).files.flatMap((line: string) => {
      const match = /^(\S+) 0 .* size=(\d+)/.exec(line);
      return match ? [`${match[1]} ${match[2]}`] : [];
    });
    expect([...files].map(([name, text]) => `${name} ${text.length}`).sort()).toEqual(expected.sort());
  });

  test('04h-graph-override builds no graph image for an update service of its own', async () => {
    const set = await collectCase(source, path.join(golden, 'cases/04h-graph-override/isc.yaml'), {
      updateUrl: 'https://api.openshift.com/api/upgrades_info/graph',
    });
    expect(set.missing).toMatchObject([{ type: 'cincinnatiGraph', code: 'GRAPH_UNAVAILABLE' }]);
  });

  test.each([
    ['02k-release-unknown-channel', 'RELEASE_CHANNEL_FAILED', /does not know channel .* HTTP 404/],
    ['02o-release-one-bad-channel', 'RELEASE_CHANNEL_FAILED', /HTTP 404/],
    ['03i-release-missing-arch', 'RELEASE_CHANNEL_FAILED', /HTTP 404/],
    ['04j-missing', 'MANIFEST_UNKNOWN', /./],
    ['04k-unsigned', 'RELEASE_SIGNATURE_ABSENT', /has no signature/],
    ['04l-wrongkey', 'RELEASE_SIGNATURE_INVALID', /./],
    // The real tool takes these two.
    ['04m-mismatch', 'RELEASE_SIGNATURE_INVALID', /it is for sha256:/],
    ['04n-badsig', 'RELEASE_SIGNATURE_INVALID', /./],
    ['07e-sparse-none', 'PLATFORM_UNKNOWN', /no instance for/],
    ['13a-missing-additional', 'MANIFEST_UNKNOWN', /./],
    ['13b-wrong-digest', 'MANIFEST_UNKNOWN', /./],
  ])('%s says what is missing and why', async (name, code, cause) => {
    const set = await collectCase(source, path.join(golden, 'cases', name, 'isc.yaml'));
    expect(set.missing).toContainEqual(expect.objectContaining({ code, cause: expect.stringMatching(cause) }));
    expect(new Set(set.missing.map((one) => one.code)).size).toBe(1);
  });
});
