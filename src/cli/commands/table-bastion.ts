import type { CommandSpec } from '../command.ts';
import { siteOption } from '../options.ts';

/** What runs and proves a site. */
export const bastionCommands: readonly CommandSpec[] = [
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
];
