import type { CommandSpec, OptionSpec } from '../command.ts';
import { siteOption } from '../options.ts';

/** Which bastion a command means, where not by its site file. */
const bastionOptions: readonly OptionSpec[] = [
  siteOption,
  { flags: '--storage <dir>', summary: 'registry storage that load filled; default: of the site file' },
  {
    flags: '--state-dir <dir>',
    summary: 'where the load records are; default: of the site file, or .airlock in the storage',
  },
];

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
];
