import { findIpFamily } from '../../core/ip.ts';
import type { DnsAddress } from '../server.ts';
import type { Zone } from '../zone.ts';
import { zoneFileName } from './bind.ts';

/** The zone statements for an existing `named.conf`; `directory` holds the files that `zoneFileName` names. */
export function renderNamedZones(zones: readonly Zone[], directory: string): string {
  return zones
    .map(
      (zone) => `zone "${zone.name === '' ? '.' : zone.name}" IN {
  type primary;
  file "${quoted(`${directory}/${zoneFileName(zone.name)}`)}";
  allow-update { none; };
};
`,
    )
    .join('\n');
}

export interface NamedConfOptions {
  /** Of the zone files, absolute. */
  readonly directory: string;
  /** For `named.pid` and what it keeps at run time; default `/run/named`. */
  readonly runDirectory?: string;
  /** Empty or left out: every address, port 53. */
  readonly listen?: readonly DnsAddress[];
  /** Addresses that are asked about everything else. None: no recursion at all, foreign names are refused. */
  readonly forwarders?: readonly string[];
}

/** A whole `named.conf` for BIND 9.16 and newer that serves the zones on both families. */
export function renderNamedConf(zones: readonly Zone[], options: NamedConfOptions): string {
  const run = quoted(options.runDirectory ?? '/run/named');
  const forwarders = options.forwarders ?? [];
  const resolving =
    forwarders.length === 0
      ? ['recursion no;']
      : [
          'recursion yes;',
          'allow-recursion { localnets; localhost; };',
          'forward only;',
          `forwarders { ${forwarders.join('; ')}; };`,
        ];
  const lines = [
    `directory "${quoted(options.directory)}";`,
    `pid-file "${run}/named.pid";`,
    `session-keyfile "${run}/session.key";`,
    `managed-keys-directory "${run}";`,
    ...listenLines(options.listen ?? []),
    'allow-query { any; };',
    'allow-transfer { none; };',
    ...resolving,
    // Inside the gap no chain of trust to the root can be built.
    'dnssec-validation no;',
    // No more than what was asked: small answers, of little use to somebody who forges the asker.
    'minimal-any yes;',
    'minimal-responses yes;',
    'notify no;',
  ];
  return `options {\n${lines.map((line) => `  ${line}\n`).join('')}};\n\n${renderNamedZones(zones, options.directory)}`;
}

function listenLines(listen: readonly DnsAddress[]): string[] {
  if (listen.length === 0) return ['listen-on { any; };', 'listen-on-v6 { any; };'];
  return ([4, 6] as const).map((family) => {
    const own = listen.filter((at) => findIpFamily(at.address) === family);
    const option = family === 4 ? 'listen-on' : 'listen-on-v6';
    const byPort = [...new Set(own.map((at) => at.port))];
    if (byPort.length === 0) return `${option} { none; };`;
    return byPort
      .map((port) => {
        const addresses = own.filter((at) => at.port === port).map((at) => `${at.address};`);
        return `${option} port ${port} { ${addresses.join(' ')} };`;
      })
      .join('\n  ');
  });
}

function quoted(text: string): string {
  return text.replace(/["\\]/g, '\\$&');
}
