import { findIpFamily } from '../../../core/ip.ts';
import { type AddFault, type LintedObject, textAt, valueAt } from '../faults.ts';

const virtualMedia = ['redfish-virtualmedia', 'idrac-virtualmedia', 'ilo5-virtualmedia', 'redfish-uefihttp'];
const networkBoot = ['redfish', 'idrac-redfish', 'ilo5-redfish', 'ipmi', 'libvirt'];

/** BareMetalHost. */
export function lintBareMetalHost({ value, name }: LintedObject, add: AddFault): void {
  const address = textAt(value, 'spec', 'bmc', 'address');
  const fault = address === undefined ? undefined : findBmcFault(address);
  if (fault)
    add('LINT_BMC_ADDRESS', ['spec', 'bmc', 'address'], `${address} ${fault.message}`, fault.hint, fault.severity);
  const labels = valueAt(value, 'metadata', 'labels');
  if (valueAt(labels, 'infraenvs.agent-install.openshift.io') === undefined)
    add(
      'LINT_HOST',
      ['metadata'],
      'no label infraenvs.agent-install.openshift.io',
      'without it the host never gets a discovery image',
      'info',
    );
  const mac = textAt(value, 'spec', 'bootMACAddress');
  if (mac !== undefined && !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac))
    add(
      'LINT_HOST',
      ['spec', 'bootMACAddress'],
      `${mac} is no MAC address`,
      'write six pairs of hex digits with colons',
    );
  if (
    textAt(value, 'metadata', 'annotations', 'inspect.metal3.io') === 'disabled' &&
    valueAt(value, 'spec', 'bootMACAddress') === undefined
  )
    add(
      'LINT_HOST',
      ['spec'],
      'inspection is disabled, and bootMACAddress is missing',
      'set it: the webhook refuses the host otherwise',
    );
  const device = textAt(value, 'spec', 'rootDeviceHints', 'deviceName');
  if (device !== undefined && !/^\/dev\/(disk\/by-path\/)?[^/]+$/.test(device))
    add(
      'LINT_HOST',
      ['spec', 'rootDeviceHints', 'deviceName'],
      `${device} is refused`,
      'use /dev/NAME or /dev/disk/by-path/NAME',
    );
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name))
    add('LINT_HOST', ['metadata', 'name'], 'a UUID is refused as name', 'use the host name');
  const architecture = textAt(value, 'spec', 'architecture');
  if (architecture !== undefined && !['x86_64', 'aarch64'].includes(architecture))
    add('LINT_ARCHITECTURE', ['spec', 'architecture'], `${architecture} is unknown here`, 'use x86_64 or aarch64');
}

interface BmcFault {
  readonly message: string;
  readonly hint: string;
  readonly severity?: 'warning';
}

/** `scheme[+transport]://host[:port]path`, as Metal3 reads it. */
function findBmcFault(address: string): BmcFault | undefined {
  const form = 'for example redfish-virtualmedia+https://192.0.2.90/redfish/v1/Systems/1';
  const [, scheme, rest = ''] = /^([a-z0-9.+-]+):\/\/(.*)$/i.exec(address) ?? [];
  if (scheme === undefined) {
    if (/^[a-z][a-z0-9+-]*:\/[^/]/i.test(address)) return { message: 'has one slash behind the colon', hint: form };
    return {
      message: 'has no scheme and is taken as IPMI, which needs a provisioning network',
      hint: form,
      severity: 'warning',
    };
  }
  const bare = scheme.toLowerCase().replace(/\+https?$/, '');
  if (networkBoot.includes(bare))
    return { message: 'boots over the network, which needs a provisioning network', hint: form, severity: 'warning' };
  if (!virtualMedia.includes(bare)) return { message: `has an unknown type ${bare}`, hint: form };
  const [authority = '', ...path] = rest.split('/');
  if (authority.includes('@'))
    return { message: 'has credentials, which are ignored', hint: 'put them into the Secret' };
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^[\]]*?))(?::(\d*))?$/.exec(authority) ?? [];
  if (bracketed !== undefined && findIpFamily(bracketed) !== 6)
    return { message: 'has brackets around something that is no IPv6 address', hint: 'brackets are for IPv6 only' };
  if (plain?.includes(':')) return { message: 'has an IPv6 address without brackets', hint: 'write [2001:db8::1]' };
  if (bracketed === undefined && plain === undefined) return { message: 'has no valid host', hint: form };
  if (bracketed === undefined && plain === '') return { message: 'has no host', hint: form };
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    return { message: `has port ${port}`, hint: form };
  if (path.join('/') === '') return { message: 'names no system', hint: form };
  return undefined;
}
