import { flag, list, nullableList, object, text, wholeNumber } from './decode.ts';

// The shape of both kinds of file, field for field as oc-mirror-v2.md §1.2 has it. What the values may be is in image-set-rules.ts.

const bundlesHint =
  'oc-mirror 4.18 and later have no such field: give the package a minVersion and a maxVersion, or a channel with them';
const removed = { v1: 'remove it' };
const heads = { v1: 'remove it: heads are the default, and "full: true" is what headsOnly: false was' };

const platform = object({ os: text, architecture: text });
const platforms = list(platform, 'write "- os: linux" and "architecture: …" below it');

const channel = object({ name: text, type: text, minVersion: text, maxVersion: text, shortestPath: flag, full: flag });

const platformSelection = object({
  graph: flag,
  channels: list(channel, 'write "- name: …"'),
  architectures: list(text),
  platforms,
  release: text,
  kubeVirtContainer: flag,
});

const operatorChannel = object({ name: text, minVersion: text, maxVersion: text });

const operatorPackage = object(
  {
    name: text,
    channels: list(operatorChannel, 'write "- name: …"'),
    defaultChannel: text,
    minVersion: text,
    maxVersion: text,
  },
  {
    bundles: bundlesHint,
    selectedBundles: bundlesHint,
    startingVersion: { v1: 'write minVersion instead' },
  },
);

const operatorCatalog = object(
  {
    catalog: text,
    targetCatalog: text,
    targetTag: text,
    full: flag,
    skipDependencies: flag,
    targetCatalogSourceTemplate: text,
    platforms,
    packages: nullableList(operatorPackage, 'write "- name: …"'),
  },
  {
    targetName: { v1: 'write targetCatalog with the whole repository path' },
    originalRef: removed,
    headsOnly: heads,
    headsonly: heads,
    skipDeps: removed,
    bundles: bundlesHint,
    selectedBundles: bundlesHint,
    channels: 'channels belong below an entry of "packages"',
  },
);

const additionalImage = object(
  { name: text, targetRepo: text, targetTag: text, platforms },
  { image: 'did you mean "name"?', targetName: 'did you mean "targetRepo"?' },
);

const chart = object({ name: text, version: text, path: text, imagePaths: list(text), platforms });

const helm = object(
  {
    repositories: list(object({ name: text, url: text, charts: nullableList(chart, 'write "- name: …"') })),
    local: list(chart, 'write "- name: …" and "path: …"'),
  },
  { repos: { v1: 'write "repositories"' } },
);

const content = {
  platform: platformSelection,
  operators: list(operatorCatalog, 'write "- catalog: …"'),
  additionalImages: list(additionalImage, 'write "- name: …"'),
  helm,
  samples: list(object({ name: text })),
};

const contentHints = {
  ocp: { v1: 'write "platform"' },
  additionalimages: 'write "additionalImages"',
  local: { v1: 'use additionalImages with oci:// names' },
};

const storageConfig = {
  v1: 'remove it: what is known about earlier runs is kept in the workspace and the bundle, not in a storage back end',
};

/** The whole of an ImageSetConfiguration. */
export const decodeImageSetFile = object(
  {
    apiVersion: text,
    kind: text,
    archiveSize: wholeNumber,
    mirror: object({ ...content, blockedImages: list(object({ name: text }), 'write "- name: …"') }, contentHints),
  },
  {
    storageConfig,
    delete: 'deletions need a file of their own, of kind DeleteImageSetConfiguration',
  },
);

/** The whole of a DeleteImageSetConfiguration. */
export const decodeDeleteFile = object(
  {
    apiVersion: text,
    kind: text,
    delete: object(content, { ...contentHints, blockedImages: 'a deletion has no such field' }),
  },
  {
    storageConfig,
    archiveSize: 'a deletion makes no archive: remove it',
    mirror: 'what to mirror needs a file of its own, of kind ImageSetConfiguration',
  },
);

/** What the decoders give: names as in the file, absent texts undefined. */
export type ImageSetFile = ReturnType<typeof decodeImageSetFile>;
/** What to mirror or delete, as decoded. */
export type ContentFile = ReturnType<typeof decodeDeleteFile>['delete'];
