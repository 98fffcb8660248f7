import type { CommandSpec, OptionSpec } from '../command.ts';
import { mediaOption, parseCount, siteOption, sourceOptions, targetOptions } from '../options.ts';

/** Which bastion a command means, where not by its site file. */
const bastionOptions: readonly OptionSpec[] = [
  siteOption,
  { flags: '--storage <dir>', summary: 'registry storage that load filled; default: of the site file' },
  {
    flags: '--state-dir <dir>',
    summary: 'where the load records are; default: of the site file, or .airlock in the storage',
  },
];

/** What is done with a bundle, and with what bundles brought. */
export const bundleCommands: readonly CommandSpec[] = [
  {
    name: 'verify',
    summary: 'proof that a bundle is whole, and signed by whom',
    description: 'Reads every byte. Exit 1 when anything is damaged or missing.',
    arguments: [{ name: '<bundle>', summary: "a generation's folder, one volume, or DIR for the whole chain" }],
    options: [
      { flags: '--key <file>', summary: 'public key that the signature has to be of' },
      mediaOption,
      { flags: '--report <dir>', summary: 'write a receipt there: Markdown, JSON and one HTML page' },
      {
        flags: '--need-list <file>',
        summary: 'write what is damaged or missing there, for airlock build --parts',
      },
    ],
    examples: [
      'airlock verify bundles/out/gen-000001',
      'airlock verify /media/disk --key signing.pub --report receipts',
      'airlock verify /media/one --media /media/two --need-list need.json',
    ],
    load: async () => (await import('./verify.ts')).runVerify,
  },
  {
    name: 'inspect',
    summary: 'what a bundle holds',
    arguments: [{ name: '<bundle>', summary: "a generation's folder, one volume, or DIR for the whole chain" }],
    options: [
      {
        flags: '--format <form>',
        summary: 'table for people; json: contents; spdx: SPDX 2.3 document; sha256sum: list for sha256sum -c',
        choices: ['table', 'json', 'spdx', 'sha256sum'],
        default: 'table',
      },
    ],
    examples: [
      'airlock inspect bundles/out/gen-000001',
      'airlock inspect -o json bundles/out',
      'airlock inspect --format spdx bundles/out/gen-000001',
    ],
    load: async () => (await import('./inspect.ts')).runInspect,
  },
  {
    name: 'load',
    summary: 'bundle into registry storage or a registry, web root and tools; resumable',
    description:
      "The target is storage:DIR (distribution's layout) or docker://HOST[:PORT][/PREFIX]; left out: the registry of the site file. Content is verified on the way; a second run does nothing. Writes oc-mirror's cluster resources for docker:// targets and for storage: with --registry.",
    arguments: [
      { name: '<bundle>', summary: "a generation's folder, one volume, or DIR for the whole chain" },
      { name: '[target]', summary: 'storage:DIR or docker://HOST[:PORT][/PREFIX]' },
    ],
    options: [
      siteOption,
      { flags: '--key <file>', summary: 'public key that the signature has to be of' },
      mediaOption,
      { flags: '--registry <host>', summary: 'HOST[:PORT][/PREFIX] under which the storage will be served' },
      { flags: '--output-dir <dir>', summary: 'where cluster resources go (default: working-dir/cluster-resources)' },
      {
        flags: '--web-dir <dir>',
        summary: 'where RHCOS files go; left out: the web root of the site file, or not unpacked',
      },
      { flags: '--tools-dir <dir>', summary: 'where client tools go' },
      {
        flags: '--state-dir <dir>',
        summary: 'where the load record goes; default: the state folder of the site file, or .airlock in the storage',
      },
      {
        flags: '--remove-signatures',
        summary: 'leave image signatures and referrers in the bundle; only with docker://',
      },
      { flags: '--dry-run', summary: 'only show what would go where, and whether it fits; changes nothing' },
      ...targetOptions,
      ...sourceOptions.filter((option) => /authfile|retry|parallel|bandwidth/.test(option.flags)),
    ],
    examples: [
      'airlock load gen-000001 -f site.yaml',
      'airlock load /media/disk/gen-000002 -f site.yaml --dry-run',
      'airlock load bundles/out storage:/opt/registry/data',
      'airlock load bundles/out docker://registry.lab.example.com:5000/mirror',
    ],
    load: async () => (await import('./load.ts')).runLoad,
  },
  {
    name: 'inventory export',
    summary: 'a small signed file of what the bastion holds, for an exact delta',
    description:
      'Lists blobs and files that loaded bundles brought and that are still there. Carried back, it is the base of the next bundle: airlock build --base FILE.',
    arguments: [{ name: '[file]', summary: 'where it goes; default: inventory.json' }],
    options: [
      ...bastionOptions,
      { flags: '--signing-key <file>', summary: 'PEM file with an ECDSA P-256 private key: the inventory is signed' },
    ],
    examples: [
      'airlock inventory export -f site.yaml /media/disk/inventory.json',
      'airlock inventory export --storage /opt/registry/data --signing-key bastion.key',
    ],
    load: async () => (await import('./inventory.ts')).runInventoryExport,
  },
  {
    name: 'prune',
    summary: 'remove what no kept generation needs; shows the bytes and the list first',
    description:
      'Takes names away first; --undo puts them back until --collect removes the blobs for good. Content that others pushed is never touched. The services of the site have to be stopped (airlock down).',
    options: [
      ...bastionOptions,
      {
        flags: '--keep <n>',
        summary: 'how many of the newest generations stay',
        default: 2,
        parse: parseCount(1, 999_999),
      },
      { flags: '--live <digest,...>', summary: 'images that stay whatever generation brought them' },
      {
        flags: '--kubeconfig <file>',
        summary:
          "of the management cluster: what it and its hosted clusters use stays; only read (default: the site file's, then KUBECONFIG)",
      },
      { flags: '--no-cluster', summary: 'ask no cluster which images are in use' },
      { flags: '--dry-run', summary: 'show bytes and list, change nothing' },
      { flags: '--undo', summary: 'put back what an earlier prune took away' },
      { flags: '--collect', summary: 'remove the blobs of an earlier prune' },
    ],
    examples: [
      'airlock prune --dry-run',
      'airlock prune --keep 1',
      'airlock prune --undo',
      'airlock prune --collect -y',
    ],
    load: async () => (await import('./prune.ts')).runPrune,
  },
];
