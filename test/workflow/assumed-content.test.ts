import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { Bundle } from '../../src/bundle/index.ts';
import { AirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { type CopyContent, digestOf } from '../../src/oci/index.ts';
import { findHolders, withAssumed } from '../../src/workflow/assumed-content.ts';
import { createMemorySource } from '../mirror/memory-source.ts';

const target = { registry: 'mirror.example.com', prefix: 'site' };
const old = { digest: digestOf(Buffer.from('old layer')), mediaType: 'layer', size: 9 };
const fresh = { digest: digestOf(Buffer.from('new layer')), mediaType: 'layer', size: 9 };

/** What of a bundle counts here. */
function bundleOf(index: object): Bundle {
  return { index: { assumed: [], images: [], repositories: [], ...index } } as unknown as Bundle;
}

const repository = (name: string, layers: readonly string[]) => ({ name, tags: {}, revisions: [], layers });
const bundles = [
  bundleOf({ repositories: [repository('harbour/crane', [old.digest]), repository('harbour/index', [old.digest])] }),
  bundleOf({
    assumed: [old.digest],
    images: [{ repository: 'harbour/index', targets: [{ repository: 'olm/catalog', tag: 'v1' }] }],
    repositories: [repository('harbour/winch', [old.digest, fresh.digest])],
  }),
];

describe('findHolders', () => {
  test('names every repository of the target that may hold what is assumed, by its name there', () => {
    const holders = findHolders(bundles, target);
    expect([...holders(old.digest)].sort()).toEqual(['site/harbour/crane', 'site/harbour/index', 'site/harbour/winch']);
    expect(holders(fresh.digest)).toEqual([]);
  });

  test('takes the names that images have at the target', () => {
    const again = [
      bundleOf({
        assumed: [old.digest],
        images: bundles[1]?.index.images,
        repositories: [repository('harbour/index', [old.digest])],
      }),
    ];
    expect(findHolders(again, target)(old.digest)).toEqual(['site/olm/catalog']);
    expect(findHolders(again, { ...target, maxNestedPaths: 2 })(old.digest)).toEqual(['site/olm-catalog']);
  });
});

describe('withAssumed', () => {
  const own: CopyContent = {
    repositories: [],
    readManifest: () => Promise.reject(new AirlockError('MANIFEST_UNKNOWN', 'not in the bundle')),
    openBlob: async (_, blob) => {
      if (blob.digest === fresh.digest) return Readable.from([Buffer.from('new layer')]);
      throw new AirlockError('BLOB_UNKNOWN', 'not in the bundle');
    },
  };
  const memory = createMemorySource();
  memory.content.set(old.digest, Buffer.from('old layer'));
  const asked: string[] = [];
  const remote = {
    ...memory.source,
    fetchBlob: (...args: Parameters<typeof memory.source.fetchBlob>) => {
      asked.push(`${args[0].registry}/${args[0].repository}`);
      return memory.source.fetchBlob(...args);
    },
  };
  const content = withAssumed(
    own,
    { remote } as unknown as Parameters<typeof withAssumed>[1],
    target.registry,
    findHolders(bundles, target),
  );
  const read = async (blob: typeof old): Promise<string> =>
    (await buffer(await content.openBlob('harbour/winch', blob, 0, quietRun()))).toString('utf8');

  test('reads what the bundles lack back from the target, and nothing else', async () => {
    expect(await read(fresh)).toBe('new layer');
    expect(asked).toEqual([]);
    expect(await read(old)).toBe('old layer');
    expect(asked).toEqual([expect.stringMatching(/^mirror\.example\.com\/site\/harbour\/(?:crane|index|winch)$/)]);
  });

  test('says that content is lacking where nobody holds it', async () => {
    const nowhere = { ...old, digest: digestOf(Buffer.from('of nobody')) };
    await expect(read(nowhere)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
  });
});
