import { cardNames } from '../../hosted/nmstate.ts';
import { type AddFault, isPlaceholder, type LintedObject, listAt, textAt, valueAt } from '../faults.ts';

const architectures = ['x86_64', 'arm64', 'aarch64', 'ppc64le', 's390x', 'multi'];
const gibibyte = 1024 ** 3;

/** AgentServiceConfig. */
export function lintAgentServiceConfig({ value, name }: LintedObject, add: AddFault): void {
  if (name !== 'agent' && name !== '')
    add('LINT_NAME', ['metadata', 'name'], `an AgentServiceConfig named ${name} is not acted on`, 'name it "agent"');
  const images = listAt(value, 'spec', 'osImages');
  const seen = new Set<string>();
  images.forEach((image, index) => {
    const version = textAt(image, 'openshiftVersion');
    const architecture = textAt(image, 'cpuArchitecture');
    if (version !== undefined && !/^\d+\.\d+$/.test(version))
      add(
        'LINT_OS_IMAGES',
        ['spec', 'osImages', index, 'openshiftVersion'],
        `${version} is not X.Y`,
        'write the minor version only, in quotes',
        'warning',
      );
    if (architecture !== undefined && !architectures.includes(architecture))
      add(
        'LINT_ARCHITECTURE',
        ['spec', 'osImages', index, 'cpuArchitecture'],
        `${architecture} is unknown here`,
        `use one of ${architectures.join(', ')}`,
      );
    const key = `${version} ${architecture ?? 'x86_64'}`;
    if (version !== undefined && seen.has(key))
      add(
        'LINT_OS_IMAGES',
        ['spec', 'osImages', index],
        `there is another image for ${key}`,
        'keep one per version and architecture',
      );
    seen.add(key);
    if (textAt(image, 'rootFSUrl'))
      add(
        'LINT_ROOTFS_URL',
        ['spec', 'osImages', index, 'rootFSUrl'],
        'rootFSUrl is deprecated: current versions take it out of the ISO',
        'leave it out from multicluster engine 2.6 on',
        'info',
      );
  });
  for (const [field, minimum] of [
    ['databaseStorage', 1],
    ['filesystemStorage', 1],
    ['imageStorage', 10],
  ] as const) {
    const size = textAt(value, 'spec', field, 'resources', 'requests', 'storage');
    const bytes = size === undefined ? undefined : quantityBytes(size);
    if (bytes !== undefined && bytes < minimum * gibibyte)
      add(
        'LINT_STORAGE_SIZE',
        ['spec', field, 'resources', 'requests', 'storage'],
        `${size} is below ${minimum}Gi`,
        'ask for more: the volume cannot be changed later',
      );
  }
  const ingress = valueAt(value, 'spec', 'ingress');
  if (
    ingress !== undefined &&
    (!textAt(ingress, 'assistedServiceHostname') || !textAt(ingress, 'imageServiceHostname'))
  )
    add(
      'LINT_SCHEMA',
      ['spec', 'ingress'],
      'both host names are needed',
      'set assistedServiceHostname and imageServiceHostname',
    );
}

/** InfraEnv. */
export function lintInfraEnv({ value }: LintedObject, add: AddFault): void {
  const has = (field: string): boolean => valueAt(value, 'spec', field) !== undefined;
  if (has('additionalNTPSources') && has('ntpSources'))
    add(
      'LINT_INFRAENV',
      ['spec', 'ntpSources'],
      'ntpSources and additionalNTPSources exclude each other',
      'use one of them',
    );
  if (has('clusterRef') && has('osImageVersion'))
    add(
      'LINT_INFRAENV',
      ['spec', 'osImageVersion'],
      'clusterRef and osImageVersion exclude each other',
      'hosted clusters bind late: leave clusterRef out',
    );
  const architecture = textAt(value, 'spec', 'cpuArchitecture');
  if (architecture !== undefined && !architectures.includes(architecture))
    add(
      'LINT_ARCHITECTURE',
      ['spec', 'cpuArchitecture'],
      `${architecture} is unknown here`,
      `use one of ${architectures.join(', ')}`,
    );
  const image = textAt(value, 'spec', 'imageType');
  if (image !== undefined && image !== 'minimal-iso' && image !== 'full-iso')
    add('LINT_INFRAENV', ['spec', 'imageType'], `${image} is no image type`, 'use minimal-iso or full-iso');
}

/** NMStateConfig: a card without an entry keeps whatever DHCP gives it. */
export function lintNmStateConfig({ value }: LintedObject, add: AddFault): void {
  const interfaces = listAt(value, 'spec', 'config', 'interfaces').filter(
    (one): one is object => typeof one === 'object' && one !== null,
  );
  const named = listAt(value, 'spec', 'interfaces').map((one) => valueAt(one, 'name'));
  const missing = cardNames({ interfaces }).filter(
    (name) => name !== 'undefined' && !isPlaceholder(name) && !named.includes(name),
  );
  if (named.length > 0 && missing.length > 0)
    add(
      'LINT_HOST',
      ['spec', 'interfaces'],
      `${missing.join(' and ')} has no MAC address here`,
      'list every card of the configuration: names are found on the host by MAC address',
      'warning',
    );
}

function quantityBytes(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([KMGTP]i|[kMGTP])?$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  const power = ' KMGTP'.indexOf(unit.charAt(0).toUpperCase());
  return Number(number) * (unit.endsWith('i') ? 1024 : 1000) ** Math.max(power, 0);
}
