import dgram from 'node:dgram';
import net from 'node:net';
import type { Site } from '../../config/index.ts';
import { errorText, findErrno } from '../../core/errors.ts';
import type { Finding } from '../../core/findings.ts';
import { hostPort } from '../../core/ip.ts';
import { portHolderNote } from '../../core/port-holder.ts';

/** An address and port that a service of the site will take. */
export interface Listener {
  readonly service: string;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
}

/** What the services of a site listen on, on this host. */
export function siteListeners(site: Site): Listener[] {
  const { registry, web, dns, bastion } = site;
  const tcp = (service: string, addresses: readonly string[], port: number): Listener[] =>
    addresses.map((address) => ({ service, protocol: 'tcp', address, port }));
  return [
    ...(registry.mode === 'external' ? [] : tcp('registry', registry.addresses, registry.port)),
    ...tcp('web', web.addresses, web.httpPort),
    ...tcp('web', web.addresses, web.httpsPort),
    ...(dns.serve
      ? [
          ...tcp('dns', bastion.addresses, dns.port),
          ...bastion.addresses.map(
            (address) => ({ service: 'dns', protocol: 'udp', address, port: dns.port }) as const,
          ),
        ]
      : []),
  ];
}

/** Listens for a moment where the services will. */
export async function checkListeners(listeners: readonly Listener[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const listener of listeners) {
    const error = await (listener.protocol === 'tcp' ? tryTcp(listener) : tryUdp(listener));
    if (error) findings.push(await describe(listener, error));
  }
  return findings;
}

async function describe({ service, protocol, address, port }: Listener, error: Error): Promise<Finding> {
  const subject = `${service} at ${hostPort(address, port)} (${protocol})`;
  switch (findErrno(error)) {
    case 'EADDRINUSE':
      return {
        code: 'DOCTOR_PORT_TAKEN',
        severity: 'error',
        subject,
        message: `the port is taken${await portHolderNote(port)}`,
        hint: `find it with "ss -lnp sport = :${port}" and stop it, or choose another port in the site file`,
      };
    case 'EADDRNOTAVAIL':
      return {
        code: 'DOCTOR_ADDRESS_FOREIGN',
        severity: 'error',
        subject,
        message: 'the address is not one of this host',
        hint: 'give it to an interface, or correct bastion.addresses and those of the service in the site file',
      };
    case 'EACCES':
      return {
        code: 'DOCTOR_PORT_PRIVILEGED',
        severity: 'error',
        subject,
        message: 'this user may not listen on a port that low',
        hint: 'run up as root, lower net.ipv4.ip_unprivileged_port_start, or choose a port from 1024 on',
      };
    default:
      return { code: 'DOCTOR_PORT_TAKEN', severity: 'error', subject, message: errorText(error) };
  }
}

function tryTcp({ address, port }: Listener): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', resolve);
    server.listen({ host: address, port, ipv6Only: address.includes(':') }, () =>
      server.close(() => resolve(undefined)),
    );
  });
}

function tryUdp({ address, port }: Listener): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket({
      type: address.includes(':') ? 'udp6' : 'udp4',
      ipv6Only: address.includes(':'),
    });
    socket.once('error', (error) => {
      socket.close();
      resolve(error);
    });
    socket.bind(port, address, () => socket.close(() => resolve(undefined)));
  });
}
