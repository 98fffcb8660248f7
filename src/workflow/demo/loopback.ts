import os from 'node:os';

/** Loopback addresses that this host has, IPv4 first; a host without IPv4 has only `::1`. */
export function loopbackAddresses(): readonly [string, ...string[]] {
  const here = new Set(Object.values(os.networkInterfaces()).flatMap((list) => list?.map((one) => one.address) ?? []));
  const [first = '127.0.0.1', ...rest] = ['127.0.0.1', '::1'].filter((address) => here.has(address));
  return [first, ...rest];
}
