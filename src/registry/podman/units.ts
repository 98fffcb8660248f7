import type { ContainerSpec } from './engine.ts';
import { localImageName } from './image-archive.ts';

/** A Quadlet unit (Podman 4.6 and newer) for `/etc/containers/systemd/<name>.container`. The image is never pulled. */
export function renderQuadlet(spec: ContainerSpec, description: string): string {
  const label = spec.relabel ? ',Z' : '';
  return section([
    [
      'Unit',
      [
        ['Description', description],
        ['Wants', 'network-online.target'],
        ['After', 'network-online.target'],
        // A port or a disk that is late at boot must not be the end of it: systemd gives up after five quick failures otherwise.
        ['StartLimitIntervalSec', '0'],
      ],
    ],
    [
      'Container',
      [
        ['Image', localImageName(spec.image)],
        ['ContainerName', spec.name],
        ['Network', 'host'],
        ['Pull', 'never'],
        ...spec.mounts.map((mount): Line => ['Volume', `${mount.source}:${mount.target}:${mode(mount)}${label}`]),
        ...Object.entries(spec.environment).map(([name, value]): Line => ['Environment', quote(`${name}=${value}`)]),
        ...Object.entries(spec.labels).map(([name, value]): Line => ['Label', quote(`${name}=${value}`)]),
        ['ReadOnly', 'true'],
        ['DropCapability', 'all'],
        ['AddCapability', 'DAC_OVERRIDE NET_BIND_SERVICE'],
        ['NoNewPrivileges', 'true'],
        ...(spec.relabel ? [] : [['SecurityLabelDisable', 'true'] as const]),
        ['Exec', spec.command.join(' ')],
      ],
    ],
    [
      'Service',
      [
        ['Restart', 'always'],
        ['RestartSec', '2'],
        ['SuccessExitStatus', stopped],
        ['TimeoutStartSec', '900'],
      ],
    ],
    ['Install', install],
  ]);
}

/** A plain systemd unit that runs the container in the foreground, for Podman before 4.6. */
export function renderSystemdUnit(spec: ContainerSpec, description: string): string {
  const label = spec.relabel ? ',Z' : '';
  const args = [
    '/usr/bin/podman run --rm --replace --pull=never --network=host --read-only',
    `--name=${spec.name}`,
    '--cap-drop=all --cap-add=DAC_OVERRIDE,NET_BIND_SERVICE --security-opt=no-new-privileges',
    ...(spec.relabel ? [] : ['--security-opt=label=disable']),
    ...(spec.memoryBytes === undefined ? [] : [`--memory=${spec.memoryBytes}`]),
    ...spec.mounts.map((mount) => quote(`--volume=${mount.source}:${mount.target}:${mode(mount)}${label}`)),
    ...Object.entries(spec.environment).map(([name, value]) => quote(`--env=${name}=${value}`)),
    ...Object.entries(spec.labels).map(([name, value]) => quote(`--label=${name}=${value}`)),
    [localImageName(spec.image), ...spec.command].join(' '),
  ];
  return section([
    [
      'Unit',
      [
        ['Description', description],
        ['Wants', 'network-online.target'],
        ['After', 'network-online.target'],
        // A port or a disk that is late at boot must not be the end of it: systemd gives up after five quick failures otherwise.
        ['StartLimitIntervalSec', '0'],
      ],
    ],
    [
      'Service',
      [
        ['ExecStartPre', `-/usr/bin/podman rm -f ${spec.name}`],
        ['ExecStart', args.join(' \\\n  ').replaceAll('$', '$$$$')],
        ['ExecStop', `/usr/bin/podman stop -t 10 ${spec.name}`],
        // What removes the container of `run --rm` belongs to the unit, and may be ended together with it before it is done.
        ['ExecStopPost', `-/usr/bin/podman rm -f ${spec.name}`],
        ['Restart', 'always'],
        ['RestartSec', '2'],
        ['SuccessExitStatus', stopped],
        ['TimeoutStartSec', '900'],
      ],
    ],
    ['Install', install],
  ]);
}

/** How a stop ends a container of distribution: 2 (Go's own end by a signal) or 143. Anything but 0 would count as a failure of the unit. */
const stopped = '2 143';

/** A user's systemd knows `default.target` alone, and nobody notices a unit that is wanted by a target that is not there. */
const install: readonly Line[] = [['WantedBy', 'multi-user.target default.target']];

type Line = readonly [key: string, value: string];

function mode(mount: { readonly readOnly: boolean }): string {
  return mount.readOnly ? 'ro' : 'rw';
}

function section(sections: readonly (readonly [string, readonly Line[]])[]): string {
  return sections
    .map(([name, lines]) => `[${name}]\n${lines.map(([key, value]) => `${key}=${escapeSpecifiers(value)}\n`).join('')}`)
    .join('\n');
}

/** One word of a value that systemd splits at blanks: paths of a site may hold them. */
function quote(word: string): string {
  return /[\s"'\\]/.test(word) ? `"${word.replaceAll(/["\\]/g, '\\$&')}"` : word;
}

/** systemd expands `%` specifiers in every value. */
function escapeSpecifiers(value: string): string {
  return value.replaceAll('%', '%%');
}
