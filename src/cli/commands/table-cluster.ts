import type { CommandSpec, OptionSpec } from '../command.ts';
import { parseCount, siteOption } from '../options.ts';

const hosted = () => import('./hosted.ts');

const kubeconfigOption: OptionSpec = {
  flags: '--kubeconfig <file>',
  summary: "of the management cluster (default: the site file's, then KUBECONFIG)",
};
const timeoutOption: OptionSpec = {
  flags: '--timeout <seconds>',
  summary: 'how long one step may take (default: 3600)',
  parse: parseCount(1, 86_400),
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
      { name: '<pool>', summary: 'node pool, as in the site file or as in the cluster' },
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
    summary: 'delete a hosted cluster: pools to no hosts, pools, then the cluster; asks before each step',
    description:
      'Each step is waited for before the next. Started again it goes on where it stopped. Hosts, their InfraEnv and the Secrets beside the cluster stay; so does the etcd encryption key.',
    arguments: [nameArgument],
    options: [siteOption, kubeconfigOption, { flags: '--dry-run', summary: 'only show the steps' }, timeoutOption],
    examples: ['airlock hosted delete hosted1 --dry-run', 'airlock hosted delete hosted1'],
    load: async () => (await hosted()).runHostedDelete,
  },
  {
    name: 'hosted backup-etcd',
    summary: 'take an etcd snapshot of a hosted cluster, with the key that it is encrypted with',
    description:
      'Shows the steps first and asks. Pauses the cluster, stops its API servers, takes the snapshot in pod etcd-0, copies it out, compares it, and starts everything again. All files are readable by their owner alone: together they hold every secret of the cluster.',
    arguments: [nameArgument, { name: '[dir]', summary: 'a new folder; default: etcd-backups/<cluster>-<time>' }],
    options: [
      siteOption,
      kubeconfigOption,
      { flags: '--dry-run', summary: 'only show the steps, with the commands that do the same by hand' },
      { flags: '--online', summary: 'leave the API up: what is written after the snapshot is not part of it' },
    ],
    examples: ['airlock hosted backup-etcd hosted1 --dry-run', 'airlock hosted backup-etcd hosted1 --online -y'],
    load: async () => (await hosted()).runHostedBackupEtcd,
  },
  {
    name: 'hosted restore-etcd',
    summary: 'prove a backup, compare it with the cluster, show every step of a restore, and with a yes carry it out',
    description:
      'Without --url the members of the cluster that is there are restored: the plan is shown and asked for; without a terminal and without -y nothing is done. Started again it goes on where it stopped. With --url the steps make the cluster anew from the snapshot, and are only shown. Exit 1 when something stands in the way: another key, another cluster, another version, a damaged snapshot.',
    arguments: [nameArgument, { name: '<dir>', summary: 'what backup-etcd wrote' }],
    options: [
      siteOption,
      kubeconfigOption,
      { flags: '--url <url>', summary: 'where pods of the management cluster fetch the snapshot (https or s3)' },
      { flags: '--dry-run', summary: 'only show the steps, with the commands that do the same by hand' },
      timeoutOption,
    ],
    examples: [
      'airlock hosted restore-etcd hosted1 etcd-backups/hosted1-20260101T000000Z --dry-run',
      'airlock hosted restore-etcd hosted1 etcd-backups/hosted1-20260101T000000Z -y',
    ],
    load: async () => (await hosted()).runHostedRestoreEtcd,
  },
];
