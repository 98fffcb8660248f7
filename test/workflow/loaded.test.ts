import { expect, test } from 'vitest';
import type { Bundle } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { readBundleContent } from '../../src/workflow/loaded.ts';

test('objects are made of the newest catalogs; a deletion may name those of every generation', async () => {
  const generation = (name: string): Bundle => {
    const catalog = { origin: 'registry.example.com/harbour/index:v1', digest: name, targetDigest: name, packages: [] };
    const index = {
      images: [],
      releases: [],
      files: [],
      assumedFiles: [],
      catalogs: [catalog],
      createdAt: '2026-11-01',
    };
    return { index } as unknown as Bundle;
  };
  const content = await readBundleContent(
    [generation('old'), generation('new'), generation('new')],
    undefined,
    quietRun(),
  );
  expect(content.catalogs.map((catalog) => catalog.digest)).toEqual(['new']);
  expect(content.everyCatalog.map((catalog) => catalog.digest)).toEqual(['old', 'new']);
});
