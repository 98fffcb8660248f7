import type { Site } from '../config/index.ts';
import type { Finding } from '../core/findings.ts';
import type { EmitCode } from './validate.ts';
import { compareMinor, hostingVersions } from './version-rules.ts';

/**
 * Hosted releases and a management cluster that the multicluster engine of a site is not made for. Warnings: the list of the running engine
 * (ConfigMap `supported-versions`) decides, and is not known here. [] without a version in the site file, or for one that is not known.
 */
export function versionFindings(site: Site): Finding[] {
  const hub = site.managementCluster;
  const engine = hub?.multiclusterEngine.version?.split('.').slice(0, 2).join('.');
  const window = hostingVersions.find(({ version }) => version === engine);
  if (!hub || !window) return [];
  const warn = (subject: string, message: string): Finding => ({
    code: 'EMIT_VERSION' satisfies EmitCode,
    severity: 'warning',
    subject,
    message,
    hint: 'choose a version of multicluster engine that supports both',
  });
  const outside = (version: string, [from, to]: readonly [string, string]): boolean =>
    compareMinor(version, from) < 0 || compareMinor(version, to) > 0;
  const words = ([from, to]: readonly [string, string]): string => `${from} to ${to}`;
  return [
    ...site.hostedClusters
      .filter(({ release }) => outside(release, window.hosted))
      .map(({ name, release }) =>
        warn(name, `multicluster engine ${engine} installs ${words(window.hosted)}, and ${name} wants ${release}`),
      ),
    ...(hub.version !== undefined && outside(hub.version, window.management)
      ? [
          warn(
            hub.name,
            `multicluster engine ${engine} runs on ${words(window.management)}, and ${hub.name} is ${hub.version}`,
          ),
        ]
      : []),
  ];
}
