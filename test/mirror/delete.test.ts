import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDeleteImageSet } from '../../src/config/index.ts';
import { AirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import {
  type DeletionItem,
  executeDeletions,
  listDeletions,
  parseDeletions,
  renderDeleteSet,
  renderDeletions,
  toImageSet,
} from '../../src/mirror/index.ts';
import { type Digest, digestOf, type Source, type Target } from '../../src/oci/index.ts';
import { collectParsed, openGoldenSource } from '../helpers/golden.ts';
import { describeShared } from '../helpers/real.ts';

const destination = 'mirror.airgap.example:5610';

describeShared('listDeletions', 'golden', (golden) => {
  test('lists what the real tool lists', async () => {
    const folder = path.join(golden, 'cases/12a-del');
    const source = await openGoldenSource(golden);
    try {
      const { value } = parseDeleteImageSet(readFileSync(path.join(folder, 'disc.yaml'), 'utf8'), 'disc.yaml');
      if (!value) throw new Error('the configuration is not read');
      const set = await collectParsed(source, toImageSet(value), { helmProgram: '/nonexistent/helm' });
      const real = parseDeletions(
        readFileSync(path.join(folder, '3-gen/files/in/working-dir/delete/delete-images.yaml'), 'utf8'),
      );
      const own = listDeletions(set.images, destination);
      expect(own).toEqual(real);
      expect(parseDeletions(renderDeletions(own))).toEqual(own);
      const withSignatures = listDeletions(set.images, destination, { signatures: true });
      expect(withSignatures.length).toBeGreaterThan(own.length);
      expect(
        listDeletions(set.images, destination, { rename: (name) => name.replaceAll('/', '-') })[0]?.imageReference,
      ).toMatch(/:5610\/acme-deep-nested-path-app:1\.0$/);
    } finally {
      await source.close();
    }
  });
});

describeShared('renderDeleteSet', 'golden', (golden) => {
  test.each([
    ['12a-del/disc.yaml', '12a-del/3-gen'],
    ['12b-del-signed/disc.yaml', '12b-del-signed/3-gen-sigs'],
  ])('writes %s back as the real tool does', (file, step) => {
    const written = path.join(golden, 'cases', step, 'files/in/working-dir/delete/delete-imageset-config.yaml');
    const text = readFileSync(path.join(golden, 'cases', file), 'utf8');
    expect(renderDeleteSet(text)).toBe(readFileSync(written, 'utf8'));
  });
});

describe('parseDeletions', () => {
  test.each([
    '',
    'kind: Other',
    'kind: DeleteImageList\nitems: [{imageName: a}]',
    'kind: DeleteImageList\nitems: [{imageName: a, imageReference: b, type: crane}]',
  ])('refuses %j', (text) => {
    expect(() => parseDeletions(text)).toThrow(expect.objectContaining({ code: 'DELETE_LIST_INVALID' }));
  });
});

/** A registry of one repository `harbour/crane`: tags and the manifests they mean. */
function registryOf(tags: Record<string, object>, fault?: string) {
  const stored = new Map<Digest, Buffer>();
  const named = new Map<string, Digest>();
  const store = (manifest: object): Digest => {
    const bytes = Buffer.from(JSON.stringify(manifest));
    stored.set(digestOf(bytes), bytes);
    return digestOf(bytes);
  };
  for (const [tag, manifest] of Object.entries(tags)) named.set(tag, store(manifest));
  const asked: string[] = [];
  const registry = {
    findManifest: async ({ tag = '' }: { tag?: string }) => {
      const digest = named.get(tag);
      return digest && stored.has(digest) ? { digest, mediaType: '', size: 0 } : undefined;
    },
    listTags: async () => [...named.keys()],
    fetchManifest: async ({ tag = '' }: { tag?: string }) => {
      const digest = named.get(tag);
      const bytes = digest && stored.get(digest);
      if (!digest || !bytes) throw new AirlockError('MANIFEST_UNKNOWN', `${tag} is unknown`);
      return { bytes, digest, mediaType: '' };
    },
    deleteManifest: async (_: unknown, digest: Digest) => {
      if (fault) throw new AirlockError(fault, 'the registry does not delete');
      asked.push(digest);
      return stored.delete(digest);
    },
  };
  return { registry: registry as unknown as Source & Target, asked, digest: (tag: string) => named.get(tag) };
}

const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf('{}'), size: 2 };
const image = (name: string) => ({ schemaVersion: 2, config, layers: [], annotations: { name } });
const item = (tag: string): DeletionItem => ({
  imageName: `quay.io/harbour/crane:${tag}`,
  imageReference: `docker://${destination}/harbour/crane:${tag}`,
  type: 'generic',
});

describe('executeDeletions', () => {
  const name = (tag: string) => `${destination}/harbour/crane:${tag}`;

  test('deletes a digest once, whatever number of tags of the list mean it', async () => {
    const { registry, asked } = registryOf({ cli: image('cli'), tools: image('cli'), other: image('other') });
    const result = await executeDeletions([item('cli'), item('tools')], registry, quietRun());
    expect(asked).toHaveLength(1);
    expect(result).toEqual({ deleted: [name('cli'), name('tools')], gone: [], shared: [], failed: [] });
  });

  test('takes what is gone for done, so a list can be run again', async () => {
    const { registry } = registryOf({ cli: image('cli') });
    await executeDeletions([item('cli')], registry, quietRun());
    expect(await executeDeletions([item('cli')], registry, quietRun())).toMatchObject({
      deleted: [],
      gone: [name('cli')],
      failed: [],
    });
  });

  test('leaves what a tag outside the list means', async () => {
    const { registry, asked } = registryOf({ cli: image('cli'), latest: image('cli') });
    const result = await executeDeletions([item('cli')], registry, quietRun());
    expect(asked).toEqual([]);
    expect(result.shared).toEqual([{ reference: name('cli'), neededBy: 'latest' }]);
  });

  test('leaves an instance that an index outside the list names', async () => {
    const child = image('amd64');
    const bytes = JSON.stringify(child);
    const index = {
      schemaVersion: 2,
      manifests: [
        { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf(bytes), size: bytes.length },
      ],
    };
    const { registry, asked } = registryOf({ amd64: child, all: index });
    const result = await executeDeletions([item('amd64')], registry, quietRun());
    expect(asked).toEqual([]);
    expect(result.shared).toEqual([{ reference: name('amd64'), neededBy: 'all' }]);
  });

  test('names what a registry does not delete, with its reason', async () => {
    const { registry } = registryOf({ cli: image('cli') }, 'REGISTRY_DENIED');
    const result = await executeDeletions([item('cli')], registry, quietRun());
    expect(result.failed).toEqual([
      { reference: name('cli'), code: 'REGISTRY_DENIED', cause: 'the registry does not delete' },
    ]);
  });
});
