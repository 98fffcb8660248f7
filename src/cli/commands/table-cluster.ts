import type { CommandSpec, OptionSpec } from '../command.ts';
import { parseCount, siteOption } from '../options.ts';

const hosted = () => import('./hosted.ts');

const kubeconfigOption: OptionSpec = {
  flags: '--kubeconfig <file>',
  summary: "of the management cluster (default: the site file's, then KUBECONFIG)",
};
const nameArgument = { name: '<cluster>', summary: 'a hosted cluster of the site file' } as const;

/** What works on clusters. */
export const clusterCommands: readonly CommandSpec[] = [
  {
    name: 'apply',
    summary: 'server-side apply of what emit wrote, stage by stage with gates; shows changes and node effects first',
    description:
      'Before each stage that changes anything it shows the fields, says whether nodes drain or reboot, and asks. Field manager: airlock. Run again after an interruption; a second run changes nothing.',
    arguments: [{ name: '[dir]', summary: 'what emit wrote; default: manifests' }],
    options: [
      siteOption,
      kubeconfigOption,
      { flags: '--stage <names>', summary: 'only these stages, with commas' },
      {
        flags: '--dry-run [mode]',
        summary: 'client: list what would be sent; server: let the cluster judge it (default when no mode is named)',
      },
      { flags: '--diff', summary: 'show every change and apply nothing' },
      { flags: '--force-conflicts', summary: 'take fields that other managers own' },
      { flags: '--no-wait', summary: 'do not wait for gates' },
      {
        flags: '--timeout <seconds>',
        summary: 'how long the gates of one stage may take (default: its own limit)',
        parse: parseCount(1, 86_400),
      },
    ],
    examples: [
      'airlock apply -f site.yaml --diff',
      'airlock apply -f site.yaml -y',
      'airlock apply --stage mirror-sets --dry-run=server',
    ],
    load: async () => (await import('./apply.ts')).runApply,
  },
  {
    name: 'hosted status',
    summary: 'version, rollout, problems and node pools of a hosted cluster',
    arguments: [nameArgument],
    options: [siteOption, kubeconfigOption],
    examples: ['airlock hosted status hosted1'],
    load: async () => (await hosted()).runHostedStatus,
  },
  {
    name: 'hosted scale',
    summary: 'set the number of nodes of a pool',
    arguments: [
      nameArgument,
      { name: '<pool>', summary: 'node pool' },
      { name: '<replicas>', summary: 'how many nodes' },
    ],
    options: [siteOption, kubeconfigOption],
    examples: ['airlock hosted scale hosted1 workers 3 -y'],
    load: async () => (await hosted()).runHostedScale,
  },
  {
    name: 'hosted upgrade',
    summary:
      'control plane first, then each node pool; refused when the release is not mirrored or the skew is not allowed',
    arguments: [nameArgument, { name: '<version>', summary: 'a mirrored release' }],
    options: [
      siteOption,
      kubeconfigOption,
      { flags: '--node-pool <name>', summary: 'upgrade this pool instead of the control plane' },
      { flags: '--check', summary: 'only say what stands in the way' },
    ],
    examples: [
      'airlock hosted upgrade hosted1 4.19.12 --check',
      'airlock hosted upgrade hosted1 4.19.12 --node-pool workers -y',
    ],
    load: async () => (await hosted()).runHostedUpgrade,
  },
  {
    name: 'hosted pause',
    summary: "stop the operator's work on a hosted cluster, or go on with it",
    arguments: [nameArgument],
    options: [siteOption, kubeconfigOption, { flags: '--resume', summary: 'go on' }],
    examples: ['airlock hosted pause hosted1', 'airlock hosted pause hosted1 --resume'],
    load: async () => (await hosted()).runHostedPause,
  },
  {
    name: 'hosted delete',
    summary: 'the steps of deleting a hosted cluster in their order; does nothing itself',
    arguments: [nameArgument],
    options: [siteOption, kubeconfigOption],
    examples: ['airlock hosted delete hosted1'],
    load: async () => (await hosted()).runHostedDelete,
  },
];
