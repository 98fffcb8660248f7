import type { CommandSpec } from '../command.ts';
import { configOption, siteOption } from '../options.ts';
import { bastionCommands } from './table-bastion.ts';
import { bundleCommands } from './table-bundle.ts';
import { clusterCommands } from './table-cluster.ts';
import { connectedCommands } from './table-connected.ts';
import { partCommands } from './table-parts.ts';

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
      'Reads Site, ImageSetConfiguration and DeleteImageSetConfiguration files, Kubernetes manifests and registries.conf, and looks for the files that a site or image set names (docs/site.md). Exit 1 when there is an error.',
    arguments: [{ name: '<file...>', summary: 'files to look at' }],
    options: [],
    examples: ['airlock lint site.yaml imageset.yaml', 'airlock lint -o json imageset.yaml'],
    load: async () => (await import('./lint.ts')).runLint,
  },
  ...connectedCommands,
  ...bundleCommands,
  ...bastionCommands,
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
