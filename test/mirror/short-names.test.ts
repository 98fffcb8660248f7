import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { expandShortName, formatReference } from '../../src/oci/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { collectFrom, createMemorySource, gzip, tarOf } from './memory-source.ts';

/** A chart of which nobody wrote the registries. */
async function writeChart(...images: string[]): Promise<string> {
  const folder = path.join(await temporaryFolder(), 'kitchen');
  await mkdir(path.join(folder, 'templates'), { recursive: true });
  await writeFile(path.join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: kitchen\nversion: 1.0.0\n');
  await writeFile(path.join(folder, 'values.yaml'), '{}\n');
  const containers = images.map((image, at) => `        - name: c${at}\n          image: "${image}"\n`).join('');
  const head = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: kitchen}\nspec:\n  template:\n    spec:\n';
  await writeFile(path.join(folder, 'templates/deployment.yaml'), `${head}      containers:\n${containers}`);
  return folder;
}

const withoutHelm = { helmProgram: '/nonexistent/helm' };

describe('images of charts that name no registry', () => {
  test('are those of Docker Hub, stored as oc-mirror stores them, known by their whole name', async () => {
    const memory = createMemorySource();
    const image = memory.putImage({ layers: [gzip(tarOf({ salt: 'salt' }))] });
    for (const name of ['library/nginx:1.25', 'bitnami/redis:7']) memory.tag(name, image);
    const chart = { name: 'kitchen', path: await writeChart('nginx:1.25', 'bitnami/redis:7') };
    const set = await collectFrom(memory, { helm: { local: [chart] } }, withoutHelm);
    expect(set.missing).toEqual([]);
    const found = set.images.map(({ origin, repository, tag }) => `${origin} as ${repository}:${tag}`).sort();
    expect(found).toEqual(['docker.io/bitnami/redis:7 as redis:7', 'docker.io/library/nginx:1.25 as nginx:1.25']);
    const notes = set.notes.filter((note) => note.code === 'IMAGE_NAME_SHORT').map((note) => note.subject);
    expect(notes.sort()).toEqual(['bitnami/redis:7', 'nginx:1.25']);
  });

  test('are blocked by the name that they have there', async () => {
    const chart = { name: 'kitchen', path: await writeChart('nginx:1.25') };
    const mirror = { helm: { local: [chart] }, blockedImages: [{ name: '^nginx:' }] };
    expect(await collectFrom(createMemorySource(), mirror, withoutHelm)).toMatchObject({ images: [], missing: [] });
  });

  test('stay a slip in a list that somebody wrote for this', async () => {
    const set = await collectFrom(createMemorySource(), { additionalImages: [{ name: 'nginx:1.25' }] });
    expect(set.missing).toMatchObject([{ code: 'REFERENCE_SHORT' }]);
  });
});

test.each([
  ['nginx', 'docker.io/library/nginx:latest'],
  ['docker://nginx:1', 'docker.io/library/nginx:1'],
  ['team/app@sha256:'.padEnd(80, 'a'), 'docker.io/team/app@sha256:'.padEnd(90, 'a')],
  ['localhost/app:1', undefined],
  ['quay.io/app', undefined],
  ['host:5000/app', undefined],
])('%s is %s', (name, whole) => {
  const reference = expandShortName(name);
  expect(reference && formatReference(reference)).toBe(whole);
});
