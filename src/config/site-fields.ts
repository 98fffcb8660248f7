import * as z from 'zod';
import { findIpFamily, parseIpPrefix } from '../core/ip.ts';

// The words of a site file. Each gives its own sentence when a value does not fit, and its pattern to the JSON Schema.

const label = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';

/** Whether text is an address prefix with a length. */
export function isPrefix(text: string): boolean {
  try {
    return parseIpPrefix(text).text !== '';
  } catch {
    return false;
  }
}

export const objectName = z
  .string()
  .regex(new RegExp(`^${label}$`), 'has to be a name: lower-case letters, digits and -, at most 63 characters')
  .meta({ title: 'name' });

export const domainName = z
  .string()
  .max(253)
  .regex(new RegExp(`^${label}(?:\\.${label})*$`), 'has to be a DNS name in lower case, without a final dot')
  .meta({ title: 'DNS name' });

/** A host name; `completeSite` adds the base domain to one without a dot. */
export const hostName = domainName.refine(
  (text) => findIpFamily(text) === undefined,
  'has to be a name, not an address: certificates and mirror sets are made for it',
);

/** A name or an address. */
export const hostOrAddress = z
  .string()
  .refine(
    (text) => findIpFamily(text) !== undefined || domainName.safeParse(text).success,
    'has to be a DNS name or an address',
  )
  .meta({ title: 'name or address' });

/** What a certificate is made for: a name, all names below one, or an address. */
export const certificateName = z
  .string()
  .refine(
    (text) => findIpFamily(text) !== undefined || domainName.safeParse(text.replace(/^\*\./, '')).success,
    'has to be a DNS name, a wildcard such as *.lab.example.com, or an address',
  )
  .meta({ title: 'name, wildcard or address' });

export const address = z
  .string()
  .refine(
    (text) => findIpFamily(text) !== undefined,
    'has to be an IPv4 or IPv6 address, without brackets or prefix length',
  )
  .meta({ title: 'address' });

export const addresses = z.array(address).min(1, 'has to hold at least one address');

export const prefix = z
  .string()
  .refine(isPrefix, 'has to be an address prefix such as 192.0.2.0/24 or 2001:db8:10::/64')
  .meta({ title: 'prefix' });

export const port = z
  .int('has to be a port number')
  .min(1, 'has to be 1 to 65535')
  .max(65_535, 'has to be 1 to 65535')
  .meta({ title: 'port' });

export const file = z.string().min(1, 'has to be the path of a file').meta({ title: 'file' });

export const macAddress = z
  .string()
  .regex(
    /^[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}$/,
    'has to be a MAC address with colons, for example "52:54:00:00:00:01"',
  )
  .meta({ title: 'MAC address' });

export const release = z
  .string()
  .regex(/^[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?$/, 'has to be a whole release version, for example 4.19.10')
  .meta({ title: 'release version' });

export const minorVersion = z
  .string()
  .regex(/^[0-9]+\.[0-9]+(?:\.[0-9]+)?$/, 'has to be a version in quotes, for example "2.9"')
  .meta({ title: 'version' });

export const quantity = z
  .string()
  .regex(/^[1-9][0-9]*(?:Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$/, 'has to be an amount of storage, for example 10Gi')
  .meta({ title: 'amount of storage' });

/** Go's syntax; other text breaks the HyperShift operator for every cluster (hosted-clusters-disconnected.md §15.6). */
export const duration = z
  .string()
  .regex(/^(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h))+$/, 'has to be a duration with a unit, for example 30m or 0s')
  .meta({ title: 'duration' });

export const portRange = z
  .string()
  .regex(/^[0-9]{1,5}-[0-9]{1,5}$/, 'has to be LOW-HIGH, for example 30000-32767')
  .meta({ title: 'port range' });

/** Length of the part of the pod network that one node gets. */
export const hostPrefix = z
  .strictObject({
    ipv4: z.int().min(8).max(30).default(23).describe('IPv4'),
    ipv6: z.int().min(32).max(126).default(64).describe('IPv6'),
  })
  .prefault({});

export const url = z
  .string()
  .refine((text) => URL.canParse(text), 'has to be a URL')
  .meta({ title: 'URL' });

export const architecture = z.enum(['amd64', 'arm64', 'ppc64le', 's390x']);

/** `host[:port][/path]` or `*.domain`, as the image configuration of a cluster takes them (§28.4). */
export const registryScope = z
  .string()
  .regex(
    /^\*(?:\.[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?)+$|^[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?)*(?::[0-9]{1,5})?(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/,
    'has to be host[:port][/path] or *.domain',
  )
  .meta({ title: 'registry scope' });

/** A name with a dot whose last label is of letters, as published services take it. */
export const publicName = domainName.regex(
  /\.[a-z]{2,}$/,
  'has to be a name with a dot whose last label has two letters or more',
);

export const environment = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'has to be the name of a variable'),
  z.string(),
);

export const textMap = z.record(z.string(), z.string());
