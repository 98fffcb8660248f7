import { findFile } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import type { ServiceUnit } from '../../registry/index.ts';

/** What systemd runs for a site: the same command that a supervised process would run. */
export interface ServicesUnitOptions {
  readonly siteName: string;
  readonly command: readonly string[];
  readonly logFile: string;
}

/** The system unit of a site's services. They run as root there: the ports of DNS and the folders of Podman are root's. */
export function servicesUnit(options: ServicesUnitOptions): ServiceUnit {
  const service = `airlock-${options.siteName}.service`;
  return { file: `/etc/systemd/system/${service}`, text: renderServicesUnit(options), service, user: false };
}

/** The unit of this name as it lies there: of this site, of another one of the same name (its log is elsewhere), or none. */
export async function findUnitOwner(
  siteName: string,
  logFile: string,
  run: Run,
): Promise<'this-site' | 'another' | undefined> {
  const text = (await findFile(servicesUnit({ siteName, command: [], logFile }).file, run))?.toString();
  if (text === undefined) return undefined;
  return text.includes(`StandardOutput=append:${literal(logFile)}\n`) ? 'this-site' : 'another';
}

/** @see systemd.service(5), systemd.exec(5) */
export function renderServicesUnit({ siteName, command, logFile }: ServicesUnitOptions): string {
  return `[Unit]
Description=Airlock services of site ${literal(siteName)}
Wants=network-online.target
After=network-online.target local-fs.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${command.map(quote).join(' ')}
Restart=always
RestartSec=2
StandardOutput=append:${literal(logFile)}
StandardError=append:${literal(logFile)}
KillMode=mixed
TimeoutStopSec=10
NoNewPrivileges=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes

[Install]
WantedBy=multi-user.target
`;
}

/** One word of ExecStart: quoted, with systemd's own `%` and `$` taken literally. */
function quote(word: string): string {
  return `"${literal(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('$', '$$$$')}"`;
}

function literal(text: string): string {
  return text.replaceAll('%', '%%');
}
