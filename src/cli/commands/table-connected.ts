import { AirlockError } from '../../core/errors.ts';
import { parseBytes } from '../../core/units.ts';
import type { CommandSpec, OptionSpec } from '../command.ts';
import {
  configOption,
  mediaOption,
  selectionOptions,
  siteOption,
  sourceOptions,
  targetOptions,
  workspaceOption,
} from '../options.ts';

/** Parts that `build` cuts and `plan` forecasts. */
const partOptions: readonly OptionSpec[] = [
  {
    flags: '--part-size <bytes>',
    summary: 'cut the volumes into parts of that size too, exactly, for media; cat puts them together',
    parse: parsePartSize,
  },
  { flags: '--parts-dir <dir>', summary: "where parts go; default: parts in the generation's folder" },
];

/** Parts that are made again. */
const needOption: OptionSpec = {
  flags: '--parts <list>',
  summary: 'make just what a need list of airlock verify --need-list names, and nothing else',
};

/** Of file systems that are not on this host. */
const blockSizeOption: OptionSpec = {
  flags: '--block-size <bytes>',
  summary: "block size of the bastion's file systems, for the forecast of allocated space (default: 4096)",
  parse: parseBlockSize,
};

/** Of volumes and parts: a small number alone has lost its unit. @throws AirlockError SIZE_INVALID, USAGE */
function parseVolumeSize(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === 0 || bytes >= 1024 || !/^\s*\d+\s*$/.test(text)) return bytes;
  throw new AirlockError('USAGE', `that alone is bytes: write a unit, for example ${text.trim()}GiB`);
}

function parsePartSize(text: string): number {
  const bytes = parseVolumeSize(text);
  if (bytes > 0) return bytes;
  throw new AirlockError('USAGE', 'a part has to hold at least one byte');
}

function parseBlockSize(text: string): number {
  const bytes = parseBytes(text);
  if (bytes >= 512 && bytes <= 1 << 24) return bytes;
  throw new AirlockError('USAGE', `"${text}" is no block size from 512 bytes to 16 MiB`);
}

/** The tool itself, for hosts without Node. */
const toolOption: OptionSpec = {
  flags: '--tool <file>',
  summary:
    'executable that goes along as airlock/bin/airlock (default: this program when it is packaged, or what npm run package made); none: no tool',
};

/** Client tools of the bastion. */
const clientToolOptions: readonly OptionSpec[] = [
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

const planOptions = [
  configOption,
  siteOption,
  workspaceOption,
  ...selectionOptions,
  {
    flags: '--volume-size <bytes>',
    summary: 'size of a volume, for example 4GiB; default: archiveSize of the ImageSetConfiguration',
    parse: parseVolumeSize,
  },
  { flags: '--full', summary: 'carry everything again, whatever earlier generations carried' },
  ...clientToolOptions,
  toolOption,
  blockSizeOption,
  { flags: '--base <file>', summary: 'inventory exported at the site: carry exactly what it lacks' },
  { flags: '--base-key <file>', summary: 'public key that the inventory has to be signed with' },
  ...sourceOptions,
] as const;

/** What belongs to the real binary. */
const ocMirrorOptions = [
  {
    flags: '--oc-mirror <path>',
    summary: 'the oc-mirror binary for --engine oc-mirror (default: OC_MIRROR, then PATH)',
  },
  {
    flags: '--cache-dir <dir>',
    summary:
      'cache of oc-mirror, only with that engine (default: OC_MIRROR_CACHE, then oc-mirror-cache of the workspace)',
  },
] as const;

/** What fills bundles and mirrors: the connected host's half. */
export const connectedCommands: readonly CommandSpec[] = [
  {
    name: 'plan',
    summary: 'resolve the image set to digests; counts, bytes and space on both hosts; changes nothing',
    description: 'Writes DIR/.airlock/plan.json, which build uses while both configuration files stay as they are.',
    arguments: [{ name: '[dir]', summary: 'where generations go; default: bundles/out' }],
    options: [
      ...planOptions,
      ...partOptions,
      {
        flags: '--signing-key <file>',
        summary: 'the bundle will be signed: counts the signature; the file is not read',
      },
    ],
    examples: ['airlock plan -c imageset.yaml', 'airlock plan -f site.yaml -o json'],
    load: async () => (await import('./plan.ts')).runPlan,
  },
  {
    name: 'build',
    summary: 'fill the volumes of the next generation in DIR; resumable',
    description:
      'Ends with DIR/gen-NNNNNN, never touching an earlier one. An interrupted build goes on with its own plan and resolves no tag again; --replan drops it.',
    arguments: [{ name: '[dir]', summary: 'where generations go; default: bundles/out' }],
    options: [
      {
        flags: '--engine <name>',
        summary: 'the engine that collects and fills; left out: oc-mirror where it is installed, else the built-in one',
        choices: ['builtin', 'oc-mirror'],
      },
      ...ocMirrorOptions,
      { flags: '--plan <file>', summary: 'build this plan and no other' },
      { flags: '--replan', summary: 'drop what an interrupted build planned and fetched' },
      { flags: '--signing-key <file>', summary: 'PEM file with an ECDSA P-256 private key: the bundle is signed' },
      ...partOptions,
      needOption,
      ...planOptions,
    ],
    examples: ['airlock build -c imageset.yaml bundles/out', 'airlock build -f site.yaml --volume-size 4GiB'],
    load: async () => (await import('./build.ts')).runBuild,
  },
  {
    name: 'mirror',
    summary: "straight from the source registries to the site's registry, the same selection and names",
    description:
      'What the target has is left alone, blobs are mounted across its repositories, the largest go first. Run again after an interruption. Plans are kept in .airlock of this folder (--workspace).',
    arguments: [{ name: '<target>', summary: 'docker://HOST[:PORT][/PREFIX]' }],
    options: [
      ...planOptions.filter((option) => !/volume-size|--full|--base|--tool|--block-size/.test(option.flags)),
      { flags: '--output-dir <dir>', summary: 'where cluster resources go (default: working-dir/cluster-resources)' },
      { flags: '--web-dir <dir>', summary: 'where RHCOS files go; left out: they are not fetched' },
      {
        flags: '--engine <name>',
        summary: 'oc-mirror: the real binary does the work (default: builtin)',
        choices: ['builtin', 'oc-mirror'],
      },
      ...ocMirrorOptions,
      ...targetOptions,
    ],
    examples: ['airlock mirror -c imageset.yaml docker://registry.lab.example.com:5000/mirror'],
    load: async () => (await import('./mirror.ts')).runMirror,
  },
  {
    name: 'delete',
    summary: 'remove images from the registry, in two steps: generate a list, then carry it out',
    description:
      'Step 1 (--generate -c FILE) writes the list of a DeleteImageSetConfiguration; step 2 (--delete-yaml-file LIST) deletes by digest. What something else still needs stays; what is gone already is done. The lists are those of oc-mirror.',
    arguments: [{ name: '<target>', summary: 'docker://HOST[:PORT][/PREFIX]' }],
    options: [
      { flags: '--generate', summary: 'step 1: only write the list' },
      { flags: '-c, --config <file>', summary: 'the DeleteImageSetConfiguration, for --generate' },
      { flags: '--delete-yaml-file <file>', summary: 'step 2: the list to carry out' },
      { flags: '--delete-id <id>', summary: 'put into the name of the list' },
      { flags: '--delete-signatures', summary: 'signatures and referrers too' },
      siteOption,
      { flags: '--bundle <bundle>', summary: 'what was loaded, where there is no site file' },
      {
        flags: '--workspace <dir>',
        summary: 'workspace of airlock mirror, which knows what it brought (default: ./.airlock)',
      },
      {
        flags: '--engine <name>',
        summary:
          'oc-mirror: the real binary makes the list, out of the workspace of its mirror runs (default: builtin)',
        choices: ['builtin', 'oc-mirror'],
      },
      ...ocMirrorOptions,
      { flags: '--output-dir <dir>', summary: 'where the list goes (default: working-dir/delete)' },
      ...targetOptions,
      ...sourceOptions.filter((option) => /authfile|retry/.test(option.flags)),
    ],
    examples: [
      'airlock delete --generate -c delete.yaml docker://registry.lab.example.com:5000',
      'airlock delete --delete-yaml-file working-dir/delete/delete-images.yaml docker://registry.lab.example.com:5000 -y',
    ],
    load: async () => (await import('./delete.ts')).runDelete,
  },
  {
    name: 'refresh',
    summary: 'the next generation; connected host: plan and build, bastion: verify, load, emit, check',
    description:
      'Without BUNDLE it plans and builds into --dir what the far side lacks. With BUNDLE, on the bastion, it ends at the first step that says no; a second run does nothing but check.',
    arguments: [
      { name: '[bundle]', summary: 'on the bastion: what was brought; left out: this is the connected host' },
    ],
    options: [
      { flags: '--dir <dir>', summary: 'connected host: where generations go', default: 'bundles/out' },
      { flags: '--signing-key <file>', summary: 'connected host: PEM file with an ECDSA P-256 private key' },
      ...partOptions,
      ...planOptions,
      { flags: '--key <file>', summary: 'bastion: public key that the signature has to be of' },
      mediaOption,
      { flags: '--report <dir>', summary: 'bastion: write a receipt there' },
      { flags: '--manifests <dir>', summary: 'bastion: where objects go (default: manifests)' },
      { flags: '--no-hash', summary: 'bastion: check does not read RHCOS files whole' },
    ],
    examples: ['airlock refresh -c imageset.yaml', 'airlock refresh /media/disk -f site.yaml --key signing.pub'],
    load: async () => (await import('./refresh.ts')).runRefresh,
  },
];
