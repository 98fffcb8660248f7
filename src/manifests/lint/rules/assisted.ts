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
    lintLiveImage(value, index, add);
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
  const imageBytes = quantityBytes(textAt(value, 'spec', 'imageStorage', 'resources', 'requests', 'storage') ?? '');
  if (imageBytes !== undefined && imageBytes >= 10 * gibibyte && imageBytes < 2 * images.length * gibibyte)
    add(
      'LINT_STORAGE_SIZE',
      ['spec', 'imageStorage', 'resources', 'requests', 'storage'],
      `${images.length} live images may not fit: each takes about 2 GiB`,
      `ask for ${2 * images.length}Gi or more: the volume cannot be changed later`,
      'info',
    );
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

/** A live image whose build is of another version, or that cannot be fetched for want of a CA. */
function lintLiveImage(value: unknown, index: number, add: AddFault): void {
  const path = ['spec', 'osImages', index];
  const wanted = /^4\.(\d+)$/.exec(textAt(value, ...path, 'openshiftVersion') ?? '')?.[1];
  // Builds from 4.19 on are named after RHEL and tell no version.
  const built = /^4(\d\d)\.\d+\.\d{12}/.exec(textAt(value, ...path, 'version') ?? '')?.[1];
  if (wanted !== undefined && built !== undefined && Number(wanted) !== Number(built))
    add(
      'LINT_OS_IMAGES',
      [...path, 'version'],
      `build ${textAt(value, ...path, 'version')} is of 4.${built}, and the image is for 4.${wanted}`,
      'see that build and URL are those of the CoreOS stream of that release',
      // Streams of early releases hold the build of the minor version before.
      'info',
    );
  const url = textAt(value, ...path, 'url');
  const unchecked = textAt(
    value,
    ...['metadata', 'annotations', 'unsupported.agent-install.openshift.io/assisted-image-service-skip-verify-tls'],
  );
  if (
    url?.startsWith('https://') &&
    !/^https:\/\/[^/]*\.(openshift\.com|fedoraproject\.org|redhat\.com)(:\d+)?\//.test(url) &&
    valueAt(value, 'spec', 'OSImageCACertRef') === undefined &&
    unchecked !== 'true'
  )
    add(
      'LINT_OS_IMAGES',
      [...path, 'url'],
      'the image comes by HTTPS from a server of the site, and OSImageCACertRef is missing',
      'name a ConfigMap with its CA under tls.crt, unless the cluster trusts it already',
      'info',
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
