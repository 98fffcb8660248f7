import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { openArchive } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { ocMirrorPlaces } from '../../src/mirror/index.ts';
import { blobPath, digestOf, type Source } from '../../src/oci/index.ts';
import { openArchiveBlobs } from '../../src/workflow/archive-blobs.ts';
import { describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

describeShared('blobs of an archive of oc-mirror', 'golden', (golden) => {
  const place = { registry: 'registry.example.com', repository: 'kitchen/oven' };
  const remote: Pick<Source, 'fetchBlob'> = {
    fetchBlob: () => Promise.reject(new Error('asked of the registry')),
  };

  test('come out of its volumes, else out of the cache, and last from the registry', async () => {
    const folder = await temporaryFolder();
    const run = quietRun();
    await copyFile(path.join(golden, 'cases/02a-release-minmax/1-m2d/02a.tar'), path.join(folder, 'mirror_000001.tar'));
    const archive = await openArchive(folder, run);
    const { source, given } = openArchiveBlobs(archive, folder, remote, run);
    const fetch = async (descriptor: { digest: ReturnType<typeof digestOf>; size: number }, offset = 0) =>
      buffer(await source.fetchBlob(place, { mediaType: '', ...descriptor }, offset, run));
    for (const { digest, size } of archive.index.blobs.slice(0, 40)) {
      const bytes = await fetch({ digest, size });
      expect(digestOf(bytes)).toBe(digest);
      expect((await fetch({ digest, size }, 5)).equals(bytes.subarray(5))).toBe(true);
      expect(given).toContain(digest);
    }
    const bytes = Buffer.from('a layer that an earlier archive carried');
    const [digest, size] = [digestOf(bytes), bytes.length];
    await expect(fetch({ digest, size })).rejects.toThrow('asked of the registry');
    const cached = path.join(folder, ocMirrorPlaces.cache, blobPath(digest));
    await mkdir(path.dirname(cached), { recursive: true });
    await writeFile(cached, bytes);
    expect((await fetch({ digest, size }, 2)).equals(bytes.subarray(2))).toBe(true);
  });
});
