import path from 'node:path';
import { findFile } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import type { ServiceUnit, UnitScope } from '../../registry/index.ts';

/** What systemd runs for a site: the same command that a supervised process would run. */
export interface ServicesUnitOptions extends UnitScope {
  readonly siteName: string;
  readonly command: readonly string[];
  readonly logFile: string;
}

/** The unit of a site's services: of the system, where they run as root (the ports of DNS and the folders of Podman are root's), or of a user. */
export function servicesUnit(options: ServicesUnitOptions): ServiceUnit {
  const service = `airlock-${options.siteName}.service`;
  const { home } = options;
  const folder = home === undefined ? '/etc/systemd/system' : path.join(home, '.config/systemd/user');
  return { file: path.join(folder, service), text: renderServicesUnit(options), service, user: home !== undefined };
}

/** The unit of this name as it lies there: of this site, of another one of the same name (its log is elsewhere), or none. */
export async function findUnitOwner(
  siteName: string,
  logFile: string,
  scope: UnitScope,
  run: Run,
): Promise<'this-site' | 'another' | undefined> {
  const text = (await findFile(servicesUnit({ siteName, command: [], logFile, ...scope }).file, run))?.toString();
  if (text === undefined) return undefined;
  return text.includes(`StandardOutput=append:${literal(logFile)}\n`) ? 'this-site' : 'another';
}

/** @see systemd.service(5), systemd.exec(5) */
export function renderServicesUnit({ siteName, command, logFile, home }: ServicesUnitOptions): string {
  // A user's systemd knows neither the network nor other targets of the system, and cannot keep away what the user could not write anyway.
  const isUser = home !== undefined;
  return `[Unit]
Description=Airlock services of site ${literal(siteName)}
${isUser ? '' : 'Wants=network-online.target\nAfter=network-online.target local-fs.target\n'}StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${command.map(quote).join(' ')}
Restart=always
RestartSec=2
StandardOutput=append:${literal(logFile)}
StandardError=append:${literal(logFile)}
KillMode=mixed
SuccessExitStatus=143
TimeoutStopSec=10
NoNewPrivileges=yes
${isUser ? '' : 'ProtectKernelTunables=yes\nProtectControlGroups=yes\nRestrictSUIDSGID=yes\n'}
[Install]
WantedBy=${isUser ? 'default' : 'multi-user'}.target
`;
}

/** One word of ExecStart: quoted, with systemd's own `%` and `$` taken literally. */
function quote(word: string): string {
  return `"${literal(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('$', '$$$$')}"`;
}

function literal(text: string): string {
  return text.replaceAll('%', '%%');
}
