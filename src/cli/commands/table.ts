import { parseBytes } from '../../core/units.ts';
import type { CommandSpec } from '../command.ts';
import {
  configOption,
  selectionOptions,
  siteOption,
  sourceOptions,
  targetOptions,
  workspaceOption,
} from '../options.ts';
import {
  blockSizeOption,
  bundleCommands,
  clientToolOptions,
  loadCommand,
  mediaOption,
  needOption,
  partOptions,
  toolOption,
} from './table-bundle.ts';
import { clusterCommands } from './table-cluster.ts';
import { partCommands } from './table-parts.ts';

const planOptions = [
  configOption,
  siteOption,
  workspaceOption,
  ...selectionOptions,
  {
    flags: '--volume-size <bytes>',
    summary: 'size of a volume, for example 4GiB; default: archiveSize of the ImageSetConfiguration',
    parse: parseBytes,
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

/** Every command. Help, the parser and docs/cli.md come from this table. */
export const commandTable: readonly CommandSpec[] = [
  {
    name: 'init',
    summary: 'write a commented site.yaml and imageset.yaml',
    arguments: [{ name: '[dir]', summary: 'where to write; default: here' }],
    options: [{ flags: '--force', summary: 'replace files that are there' }],
    examples: ['airlock init', 'airlock init lab'],
    load: async () => (await import('./init.ts')).runInit,
  },
  {
    name: 'lint',
    summary: 'every fault of configuration files, with line, column and fix',
    description:
      'Reads Site, ImageSetConfiguration and DeleteImageSetConfiguration files. Exit 1 when there is an error.',
    arguments: [{ name: '<file...>', summary: 'files to look at' }],
    options: [],
    examples: ['airlock lint site.yaml imageset.yaml', 'airlock lint -o json imageset.yaml'],
    load: async () => (await import('./lint.ts')).runLint,
  },
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
  loadCommand,
  {
    name: 'doctor',
    summary: 'whether this host can be the bastion, before anything is loaded or started',
    description:
      'Looks at every file that the site names, folders, addresses and ports, Podman, the clock, and with BUNDLE at the room that it needs. Changes nothing. Exit 1 when there is an error. The connected host is looked at by plan.',
    arguments: [{ name: '[bundle]', summary: 'what is about to be loaded' }],
    options: [siteOption],
    examples: ['airlock doctor -f site.yaml', 'airlock doctor /media/disk/gen-000001 -f site.yaml'],
    load: async () => (await import('./doctor.ts')).runDoctor,
  },
  {
    name: 'up',
    summary: 'certificates, registry, web server and DNS as running services; idempotent',
    description:
      'The registry runs through Podman where its socket answers, otherwise Airlock serves it. What is no container runs in the background, over a logout, and is started again when it ends. Ports are opened in firewalld where it runs.',
    options: [
      siteOption,
      { flags: '--foreground', summary: 'run web server and DNS here until interrupted' },
      { flags: '--embedded-registry', summary: 'with --foreground: the registry too' },
      { flags: '--supervised', summary: 'with --foreground: in a process that is started again when it ends' },
      {
        flags: '--supervisor <kind>',
        summary:
          'what keeps the services running; auto: systemd where it runs for root or for a user who lingers, otherwise a process',
        choices: ['auto', 'systemd', 'process'],
        default: 'auto',
      },
      { flags: '--print-firewall', summary: 'show the commands that open the ports in a firewall' },
    ],
    examples: ['airlock up -f site.yaml', 'airlock up --print-firewall'],
    resumeHint: 'nothing that it started is left running; airlock up starts it again',
    load: async () => (await import('./up.ts')).runUp,
  },
  {
    name: 'down',
    summary: 'stop everything that up started, and nothing else',
    options: [siteOption],
    examples: ['airlock down -f site.yaml'],
    load: async () => (await import('./down.ts')).runDown,
  },
  {
    name: 'status',
    summary: 'each service with address and health, certificate expiry, loaded generations, disk',
    options: [siteOption],
    examples: ['airlock status', 'airlock status -o json'],
    load: async () => (await import('./status.ts')).runStatus,
  },
  {
    name: 'emit',
    summary: 'Kubernetes objects, DNS zones, registries.conf and host trust as plain files',
    description: 'Same input, same bytes. Mirror destinations come from what was really loaded.',
    arguments: [{ name: '[dir]', summary: 'where to write; default: manifests' }],
    options: [siteOption],
    examples: ['airlock emit -f site.yaml manifests'],
    load: async () => (await import('./emit.ts')).runEmit,
  },
  {
    name: 'check',
    summary: "readiness proof with the node's eyes; findings with codes and next steps",
    description:
      'Resolves names through the DNS of the site, trusts the emitted CA, maps original references through the emitted mirror rules, logs in with the emitted pull secret, fetches every manifest and asks for every blob and RHCOS file. Exit 1 when there is an error.',
    options: [
      siteOption,
      { flags: '--no-hash', summary: 'do not read RHCOS files whole; size and range only' },
      {
        flags: '--manifests <dir>',
        summary: 'the folder that emit wrote (default: manifests): is it still what emit would write',
      },
    ],
    examples: ['airlock check -f site.yaml', 'airlock check -o json'],
    load: async () => (await import('./check.ts')).runCheck,
  },
  {
    name: 'registry serve',
    summary: 'the embedded registry alone, in the foreground',
    description: 'Prints one line with the URL on standard output when it is ready.',
    options: [
      { flags: '--storage <dir>', summary: "storage in distribution's layout; it is made when it is not there" },
      {
        flags: '--bundle <bundle>',
        summary: 'serve a bundle in place, read-only: a generation, a chain, parts, an archive of oc-mirror',
      },
      mediaOption,
      {
        flags: '--listen <address>',
        summary: 'ADDRESS:PORT, IPv6 in brackets; several with commas',
        default: '127.0.0.1:5000',
      },
      { flags: '--tls-cert <file>', summary: 'certificate chain, PEM' },
      { flags: '--tls-key <file>', summary: 'its key' },
      { flags: '--htpasswd <file>', summary: 'users with bcrypt hashes; left out: everybody may do everything' },
      { flags: '--anonymous-pull', summary: 'with --htpasswd: reading needs no credentials' },
      { flags: '--read-only', summary: 'take no writes' },
      { flags: '--allow-sparse', summary: 'accept indexes and images of which not every instance and layer is there' },
      { flags: '--access-log <file>', summary: 'append a line for each request, as nginx does' },
    ],
    examples: [
      'airlock registry serve --storage /opt/registry/data --listen [::]:5000',
      'airlock registry serve --bundle bundles/out/gen-000001',
    ],
    resumeHint: 'the registry is stopped; run the same command to start it again',
    load: async () => (await import('./registry-serve.ts')).runRegistryServe,
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
  ...bundleCommands,
  ...clusterCommands,
  ...partCommands,
  {
    name: 'must-gather',
    summary: 'one archive of what support asks for: settings, status, certificates, zones, logs, the last check',
    description:
      'Works on both hosts, also with a site file that has faults. Credentials and keys are left out. What cannot be had is named in the index of the archive, and the rest is gathered all the same.',
    arguments: [{ name: '[file]', summary: 'the archive; default: must-gather-SITE-TIME.tar.gz here' }],
    options: [
      siteOption,
      configOption,
      {
        flags: '--dir <dir>',
        summary: 'connected host: where generations go (default: bundles/out where it is there)',
      },
      { flags: '--manifests <dir>', summary: 'the folder that emit wrote (default: manifests)' },
    ],
    examples: ['airlock must-gather', 'airlock must-gather -c imageset.yaml --dir bundles/out /tmp/lab.tar.gz'],
    load: async () => (await import('./must-gather.ts')).runMustGather,
  },
  {
    name: 'demo',
    summary: 'the whole journey on loopback, from a small made-up release; no internet, root or Podman',
    options: [
      { flags: '--dir <dir>', summary: 'where it works; default: airlock-demo' },
      { flags: '--keep', summary: 'leave folder and services to look at' },
    ],
    examples: ['airlock demo', 'airlock demo --keep'],
    resumeHint: 'run the same command again: it starts over',
    load: async () => (await import('./demo.ts')).runDemo,
  },
  {
    name: 'version',
    summary: 'version of the tool, and what it runs on',
    options: [],
    examples: ['airlock version', 'airlock version -o json'],
    load: async () => (await import('./version.ts')).runVersion,
  },
  {
    name: 'completion',
    summary: 'completion script of a shell',
    description:
      'bash and zsh: source <(airlock completion bash). fish: airlock completion fish | source. PowerShell: … | Out-String | Invoke-Expression.',
    arguments: [{ name: '<shell>', summary: 'bash, zsh, fish or powershell' }],
    options: [],
    examples: ['airlock completion bash', 'airlock completion fish'],
    load: async () => (await import('./completion.ts')).completionOf(commandTable),
  },
];
