import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { collectImageSet, type HttpAccess } from '../../src/mirror/index.ts';
import { digestOf, type Source } from '../../src/oci/index.ts';
import { assemblePlan, openKeptBlobs } from '../../src/plan/index.ts';
import { collectCase, collectParsed, type GoldenSource, openGoldenSource, readImageSet } from '../helpers/golden.ts';
import { describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const release = `kind: ImageSetConfiguration
mirror:
  platform:
    channels: [{name: stable-4.19, minVersion: 4.19.10, maxVersion: 4.19.10}]
`;

describeShared('collectImageSet', 'golden', (golden) => {
  let source: GoldenSource;
  beforeAll(async () => {
    source = await openGoldenSource(golden);
  });
  afterAll(() => source.close());

  /** A source that counts what it is asked. */
  const counting = (asked: string[]): Source => ({
    ...source.source,
    fetchManifest: (reference, run) => {
      asked.push(`${reference.repository} ${reference.digest ?? reference.tag}`);
      return source.source.fetchManifest(reference, run);
    },
    fetchBlob: (repository, blob, offset, run) => {
      asked.push(`blob ${blob.digest}`);
      return source.source.fetchBlob(repository, blob, offset, run);
    },
  });

  test('asks for no manifest by digest and no blob again in a workspace that has them', async () => {
    const kept = openKeptBlobs(await temporaryFolder());
    const asked: string[] = [];
    const input = {
      imageSet: readImageSet('isc.yaml', release),
      source: counting(asked),
      http: source.http,
      kept,
      options: { signatureKeyArmored: source.releaseKey, removeSignatures: true },
    };
    const first = await collectImageSet(input, quietRun());
    expect(asked.length).toBeGreaterThan(10);
    expect(new Set(asked).size).toBe(asked.length);
    asked.length = 0;
    const second = await collectImageSet(input, quietRun());
    expect(asked).toEqual([]);
    expect(second).toEqual(first);
  });

  test('the same catalog filter gives the same digests in another workspace', async () => {
    const isc = path.join(golden, 'cases/05a-op-package-only/isc.yaml');
    const [first, second] = [await collectCase(source, isc), await collectCase(source, isc)];
    expect(second.images).toEqual(first.images);
    expect(second.catalogs).toEqual(first.catalogs);
  });

  test('a rebuilt catalog has the structure of the real one', async () => {
    const set = await collectCase(source, path.join(golden, 'cases/05a-op-package-only/isc.yaml'));
    const real = JSON.parse(
      readFileSync(path.join(golden, 'cases/05a-op-package-only/1-m2d/rebuilt-catalogs.json'), 'utf8'),
    );
    const image = set.images.find((one) => /^[0-9a-f]{32}$/.test(one.tag));
    const read = (digest = '') =>
      JSON.parse(readFileSync(path.join(set.workspace, 'blobs/sha256', digest.slice(7)), 'utf8'));
    const wanted = real[`${image?.repository}:${image?.tag}`];
    const index = read(image?.digest);
    expect(index.mediaType).toBe(wanted.manifest.mediaType);
    expect(index.manifests.map((one: { platform: unknown }) => one.platform)).toEqual(
      wanted.manifest.manifests.map((one: { platform: unknown }) => one.platform),
    );
    for (const [at, child] of index.manifests.entries()) {
      const [own, other] = [read(child.digest), wanted.instances[at]];
      expect(own.layers.slice(0, -2)).toEqual(other.manifest.layers.slice(0, -2));
      expect(own.config.mediaType).toBe(other.manifest.config.mediaType);
      const config = read(own.config.digest);
      expect(config.config).toEqual(other.config.config);
      expect(config.history).toEqual(other.config.history);
      // The whiteout layer is the same tar, so the same diff id.
      expect(config.rootfs.diff_ids.slice(0, -1)).toEqual(other.config.rootfs.diff_ids.slice(0, -1));
    }
  });

  test('referrers follow their image with an index under the fallback tag', async () => {
    const set = await collectCase(source, path.join(golden, 'cases/01-additional/isc.yaml'));
    const image = set.images.find((one) => one.repository === 'acme/referred' && one.tag === '1.0');
    const beside = set.images.filter((one) => one.repository === 'acme/referred' && one !== image);
    expect(beside.map((one) => one.reason.split(' ')[0]).sort()).toEqual(['referrer', 'referrers-index']);
    const index = beside.find((one) => one.reason.startsWith('referrers-index'));
    expect(index?.tag).toBe(image?.digest.replace(':', '-'));
    expect(index?.source).toBe('kept:');
  });

  test('records each image as signed, unsigned or not checked', async () => {
    const isc = path.join(golden, 'cases/01-additional/isc.yaml');
    const state = async (options: object) => {
      const set = await collectCase(source, isc, options);
      return new Map(set.images.map((one) => [`${one.repository}:${one.tag}`, one.signature]));
    };
    const checked = await state({});
    expect(checked.get('acme/gadgets:2.0')).toBe('signed');
    expect(checked.get('acme/widgets:1.0')).toBe('unsigned');
    // A signature is nothing that somebody forgot to sign.
    expect([...checked].filter(([name]) => name.endsWith('.sig')).map(([, state]) => state)).toContain('not-checked');
    expect([...checked].filter(([name, state]) => name.endsWith('.sig') && state !== 'not-checked')).toEqual([]);
    expect((await state({ removeSignatures: true })).get('acme/gadgets:2.0')).toBe('not-checked');
  });

  test('carries both of two images that want one name, and notes it', async () => {
    const digests = await Promise.all(
      ['3.1', '3.2'].map(async (tag) => {
        const there = { registry: 'registry.example.com', repository: 'acme/toolbox', tag };
        return (await source.source.resolve(there, quietRun())).digest;
      }),
    );
    const names = digests.map((digest) => `  - name: registry.example.com/acme/toolbox:same@${digest}\n`).join('');
    const text = `kind: ImageSetConfiguration\nmirror:\n  additionalImages:\n${names}`;
    const set = await collectParsed(source, readImageSet('isc.yaml', text), { removeSignatures: true });
    expect(set.notes.map((note) => `${note.code} ${note.subject}`)).toEqual(['IMAGE_NAME_SHARED acme/toolbox:same']);
    const plan = assemblePlan(set, {
      now: new Date(0),
      toolVersion: '1.0.0',
      engine: 'builtin',
      generation: 1,
      carriedBlobs: new Set(),
      carriedFiles: new Set(),
      imageSetDigest: digestOf(Buffer.from(text)),
      volumeSizeBytes: 1 << 30,
    });
    const [repository] = plan.repositories;
    expect(Object.keys(repository?.tags ?? {})).toEqual(['same']);
    expect(repository?.revisions).toEqual(expect.arrayContaining(digests));
    expect(plan.blobs.map((blob) => blob.digest)).toEqual(expect.arrayContaining(digests));
  });

  test('signature images have the bytes of their source', async () => {
    const set = await collectCase(source, path.join(golden, 'cases/01-additional/isc.yaml'));
    const signature = set.images.find((one) => one.repository === 'acme/gadgets' && one.tag.endsWith('.sig'));
    const there = await source.source.resolve(
      { registry: 'registry.example.com', repository: 'acme/gadgets', tag: signature?.tag ?? '' },
      quietRun(),
    );
    expect(signature?.digest).toBe(there.digest);
  });

  test('passwords in the URLs of update service and signatures go to their servers and nowhere else', async () => {
    const isc = path.join(golden, 'cases/02b-release-head/isc.yaml');
    const set = await collectCase(source, isc, {
      removeSignatures: true,
      updateUrl: 'https://kitchen:pepper@api.openshift.com/api/upgrades_info/v1/graph',
      signatureUrl: 'https://kitchen:pepper@mirror.openshift.com/pub/openshift-v4/signatures/openshift/release/',
    });
    expect(set.missing).toEqual([]);
    expect(set.files.map((file) => path.basename(file.path))).toContain('amd64-stable-4.19.json');
    expect(JSON.stringify([set.files, set.images, set.notes])).not.toContain('pepper');
  });

  test.each(['', '/'])('finds signatures below a URL that ends in "%s"', async (end) => {
    const signatureUrl = `https://mirror.openshift.com/pub/openshift-v4/signatures/openshift/release${end}`;
    const set = await collectParsed(source, readImageSet('isc.yaml', release), {
      removeSignatures: true,
      signatureUrl,
    });
    expect(set.missing).toEqual([]);
    expect(set.releases.map((one) => one.signature)).toEqual(['verified']);
  });

  test.each([
    ['stable-4.18', 'verified', undefined],
    ['unsigned-4.18', 'not-checked', /it has none/],
    ['wrongkey-4.18', 'not-checked', /key/],
    ['badsig-4.18', 'not-checked', /signature/],
  ])(
    'takes the release of %s as %s where signatures are ignored, and carries none but a right one',
    async (channel, state, why) => {
      const text = `kind: ImageSetConfiguration\nmirror:\n  platform:\n    channels: [{name: ${channel}}]\n`;
      const options = { removeSignatures: true, ignoreReleaseSignature: true };
      const set = await collectParsed(source, readImageSet('isc.yaml', text), options);
      expect(set.missing).toEqual([]);
      expect(set.releases).toMatchObject([{ signature: state, tag: expect.stringMatching(/^4\.18\.\d+-x86_64$/) }]);
      expect(set.files.filter((file) => file.path.includes('/signatures/'))).toHaveLength(state === 'verified' ? 1 : 0);
      expect(set.notes.map((note) => note.message)).toEqual(why ? [expect.stringMatching(why)] : []);
    },
  );

  test('carries what real oc-mirror needs to load a release without network', async () => {
    const set = await collectParsed(source, readImageSet('isc.yaml', release), { removeSignatures: true });
    expect(set.files.map((file) => file.path)).toEqual([
      'working-dir/hold-release/cincinnati-graph-data/amd64-stable-4.19.json',
      'working-dir/hold-release/ocp-release/4.19.10-x86_64/release-manifests/0000_50_installer_coreos-bootimages.yaml',
      'working-dir/hold-release/ocp-release/4.19.10-x86_64/release-manifests/image-references',
      'working-dir/hold-release/ocp-release/4.19.10-x86_64/release-manifests/release-metadata',
      'working-dir/internal/oc-mirror-version.json',
      'working-dir/signatures/4.19.10-x86_64-sha256-3f4ebb941b7ec33f8559c8d63109ab28182d5a7d8418f8b398843f88c3e2f851',
    ]);
    expect(set.releases).toMatchObject([{ version: '4.19.10', architecture: 'amd64', signature: 'verified' }]);
    expect(set.releases[0]?.components['hypershift']).toMatch(/@sha256:/);
  });

  test('carries the CoreOS files of the wanted architectures, with sizes from their server', async () => {
    const set = await collectParsed(source, readImageSet('isc.yaml', release), {
      removeSignatures: true,
      coreos: { architectures: ['arm64', 'x86_64'] },
      coreosBaseUrl: 'http://[::1]:8080/mirror',
    });
    const files = set.files.filter((file) => file.role === 'coreos');
    expect(files).toHaveLength(0);
    // The made-up server has its files at the root only.
    expect(set.missing.map((one) => `${one.type} ${one.code}`)).toEqual([
      'coreos COREOS_UNAVAILABLE',
      'coreos COREOS_UNAVAILABLE',
    ]);
    const plain = await collectParsed(source, readImageSet('isc.yaml', release), {
      removeSignatures: true,
      coreos: { architectures: 'from-releases' },
    });
    expect(plain.missing).toEqual([]);
    expect(plain.files.filter((file) => file.role === 'coreos')).toMatchObject([
      {
        path: 'airlock/rhcos/9.6.4.19/x86_64/rhcos-live.iso',
        webPath: '/rhcos/9.6.4.19/x86_64/rhcos-live.iso',
        sizeBytes: '4.19x86_64'.length,
        content: { kind: 'url', url: 'https://rhcos.example.com/4.19/x86_64/rhcos-live.iso' },
      },
    ]);
    expect(plain.notes.filter((note) => note.code === 'COREOS_FORMAT_ABSENT')).toHaveLength(3);
    expect(plain.releases[0]?.coreos).toMatchObject([{ build: '9.6.4.19', architecture: 'x86_64' }]);
  });

  test('a CoreOS server that gives no length fails the file with its own code', async () => {
    const http: HttpAccess = { ...source.http, headUrl: async () => ({ status: 200, sizeBytes: undefined }) };
    const set = await collectParsed({ ...source, http }, readImageSet('isc.yaml', release), {
      removeSignatures: true,
      coreos: { architectures: 'from-releases' },
    });
    expect(set.missing).toMatchObject([{ type: 'coreos', code: 'COREOS_SIZE_UNKNOWN' }]);
  });

  test('lists every failing image with its cause, and nothing twice', async () => {
    const broken: Source = {
      ...source.source,
      fetchManifest: (reference, run) =>
        reference.repository === 'openshift-release-dev/ocp-v4.0-art-dev'
          ? Promise.reject(new AirlockError('REGISTRY_DENIED', 'quay.io said 401'))
          : source.source.fetchManifest(reference, run),
    };
    const set = await collectParsed({ ...source, source: broken }, readImageSet('isc.yaml', release), {
      removeSignatures: true,
    });
    expect(set.images.map((image) => image.type)).toEqual(['ocpRelease']);
    expect(set.missing).toHaveLength(10);
    expect(new Set(set.missing.map((one) => `${one.type} ${one.code} ${one.cause}`))).toEqual(
      new Set(['ocpReleaseContent REGISTRY_DENIED quay.io said 401']),
    );
  });

  test('a bug in a source is not taken for missing content', async () => {
    const broken: Source = { ...source.source, fetchManifest: () => Promise.reject(new TypeError('x is undefined')) };
    await expect(collectParsed({ ...source, source: broken }, readImageSet('isc.yaml', release))).rejects.toThrow(
      TypeError,
    );
  });

  test('ends at once when it is interrupted', async () => {
    const controller = new AbortController();
    const run = quietRun({ signal: controller.signal });
    const slow: Source = {
      ...source.source,
      fetchManifest: (reference, inner) => {
        controller.abort(new AirlockError('CANCELLED', 'interrupted'));
        return Promise.reject(inner.signal.reason ?? new Error(reference.repository));
      },
    };
    const input = {
      imageSet: readImageSet('isc.yaml', release),
      source: slow,
      http: source.http,
      kept: openKeptBlobs(await temporaryFolder()),
      options: { signatureKeyArmored: source.releaseKey },
    };
    await expect(collectImageSet(input, run)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
