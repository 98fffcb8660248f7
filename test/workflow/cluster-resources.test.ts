import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/index.ts';
import { withoutFailed } from '../../src/workflow/cluster-resources.ts';
import type { LoadedContent } from '../../src/workflow/loaded.ts';

const digest = digestOf('oven');
const repository = 'kitchen/oven';
const image = {
  type: 'generic',
  origin: 'docker://registry.example.com/kitchen/oven:1.0',
  source: 'registry.example.com/kitchen/oven',
  repository,
  tag: '1.0',
  targets: [{ repository, tag: '1.0' }],
  digest,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  absent: [],
  signature: 'signed',
  reason: 'additional image',
} as const;
const signature = {
  ...image,
  tag: `${digest.replace(':', '-')}.sig`,
  digest: digestOf('signature of oven'),
  signature: 'not-checked',
  reason: `signature of ${image.origin}`,
} as const;
const content: LoadedContent = {
  generations: [],
  images: [image, signature],
  releases: [],
  catalogs: [],
  everyCatalog: [],
  webFiles: [],
  signatures: [],
  contentDate: new Date(0),
};
const left = (failed: string) =>
  withoutFailed(content, [{ subject: `${repository}@${failed}` }]).images.map(({ tag }) => tag);

test('an image that a registry refused takes its signature along', () => {
  expect(left(digest)).toEqual([]);
});

test('an image stays when only its signature was refused', () => {
  expect(left(signature.digest)).toEqual(['1.0']);
});
