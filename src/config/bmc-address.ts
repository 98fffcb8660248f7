import { findIpFamily } from '../core/ip.ts';
import { findNearest } from './nearest.ts';

// With virtual media, that is: the host needs no provisioning network (hosted-clusters-disconnected.md §19.3).
const mediaDrivers = ['redfish-virtualmedia', 'idrac-virtualmedia', 'ilo5-virtualmedia', 'redfish-uefihttp'];
const networkDrivers = ['redfish', 'idrac-redfish', 'ilo5-redfish', 'ipmi', 'libvirt'];

/** Why a BMC address cannot work, undefined when it can: `<driver>[+http|+https]://<host>[:<port>]<path>`, case of the driver aside. */
export function findBmcFault(address: string): { message: string; hint?: string } | undefined {
  const match = /^([a-z0-9-]+(?:\+https?)?):\/\/([^/]*)(\/.*)?$/i.exec(address);
  const example = 'for example redfish-virtualmedia+https://192.0.2.90/redfish/v1/Systems/1';
  if (!match)
    return {
      message: 'is not DRIVER://HOST/PATH: without a driver it is taken for IPMI, which boots from the network',
      hint: example,
    };
  const [, scheme = '', authority = '', path = ''] = match;
  const driver = scheme.toLowerCase().replace(/\+https?$/, '');
  if (networkDrivers.includes(driver)) {
    const hint = driver.includes('redfish')
      ? `write ${driver === 'redfish' ? 'redfish-virtualmedia' : driver.replace('redfish', 'virtualmedia')}://…`
      : example;
    return { message: `"${driver}" boots from the network, which needs a provisioning network`, hint };
  }
  if (!mediaDrivers.includes(driver)) {
    const nearest = findNearest(driver, mediaDrivers);
    return {
      message: `"${driver}" is no known driver`,
      hint: nearest ? `did you mean "${nearest}"?` : `one of ${mediaDrivers.join(', ')}`,
    };
  }
  return (
    findAuthorityFault(authority) ??
    (path.length > 1 ? undefined : { message: 'names no system: the path is missing', hint: example })
  );
}

function findAuthorityFault(authority: string): { message: string; hint?: string } | undefined {
  if (authority.includes('@'))
    return { message: 'holds credentials, which are ignored there', hint: 'put them into credentialsFile' };
  const match = /^(?:\[([^\]]*)\]|([^:[\]]+))(?::([0-9]+))?$/.exec(authority);
  if (!match) return { message: `"${authority}" is not HOST or HOST:PORT`, hint: 'an IPv6 address needs brackets' };
  if (match[1] !== undefined && findIpFamily(match[1]) !== 6)
    return { message: `"[${match[1]}]": only IPv6 addresses take brackets` };
  if (match[3] !== undefined && (Number(match[3]) < 1 || Number(match[3]) > 65_535))
    return { message: `${match[3]} is no port` };
  return undefined;
}
