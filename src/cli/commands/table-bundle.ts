import { AirlockError } from '../../core/errors.ts';
import { parseBytes } from '../../core/units.ts';
import type { CommandSpec, OptionSpec } from '../command.ts';
import { parseCount, siteOption, sourceOptions, targetOptions } from '../options.ts';

/** Which bastion a command means, where not by its site file. */
const bastionOptions: readonly OptionSpec[] = [
  siteOption,
  { flags: '--storage <dir>', summary: 'registry storage that load filled; default: of the site file' },
  {
    flags: '--state-dir <dir>',
    summary: 'where the load records are; default: of the site file, or .airlock in the storage',
  },
];

/** Where further parts of a bundle lie. */
export const mediaOption: OptionSpec = {
  flags: '--media <dir,...>',
  summary: 'further folders where parts of the same bundle lie; BUNDLE is the first',
};

/** Parts that `build` cuts and `plan` forecasts. */
export const partOptions: readonly OptionSpec[] = [
  {
    flags: '--part-size <bytes>',
    summary: 'cut the volumes into parts of that size too, exactly, for media; cat puts them together',
    parse: parsePartSize,
  },
  { flags: '--parts-dir <dir>', summary: "where parts go; default: parts in the generation's folder" },
];

/** Parts that are made again. */
export const needOption: OptionSpec = {
  flags: '--parts <list>',
  summary: 'make just what a need list of airlock verify --need-list names, and nothing else',
};

/** Of file systems that are not on this host. */
export const blockSizeOption: OptionSpec = {
  flags: '--block-size <bytes>',
  summary: "block size of the bastion's file systems, for the forecast of allocated space (default: 4096)",
  parse: parseBlockSize,
};

function parsePartSize(text: string): number {
  const bytes = parseBytes(text);
  if (bytes > 0) return bytes;
  throw new AirlockError('USAGE', 'a part has to hold at least one byte');
}

function parseBlockSize(text: string): number {
  const bytes = parseBytes(text);
  if (bytes >= 512 && bytes <= 1 << 24) return bytes;
  throw new AirlockError('USAGE', `"${text}" is no block size from 512 bytes to 16 MiB`);
}

/** The tool itself, for hosts without Node. */
export const toolOption: OptionSpec = {
  flags: '--tool <file>',
  summary:
    'executable that goes along as airlock/bin/airlock (default: this program when it is packaged, or what npm run package made); none: no tool',
};

/** Client tools of the bastion. */
export const clientToolOptions: readonly OptionSpec[] = [
  {
    flags: '--tools <name,...>',
    summary:
      'oc and kubectl out of the release payload, NAME=FILE, or NAME=URL#sha256:HEX; default: oc,kubectl with a site file; none: no tools',
  },
  {
    flags: '--tools-arch <arch>',
    summary: 'architecture of the bastion, for oc and kubectl (default: amd64)',
    choices: ['amd64', 'arm64', 'ppc64le', 's390x'],
  },
];

/** The first command on the bastion. */
export const loadCommand: CommandSpec = {
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
};

/** What a bastion holds, and how bundles are carried and refreshed. */
export const bundleCommands: readonly CommandSpec[] = [
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
