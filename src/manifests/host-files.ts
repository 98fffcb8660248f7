import { normaliseCertificates } from './certificates.ts';
import type { MirrorMapping } from './mirror-mappings.ts';
import { type DockerConfig, mergeDockerConfigs } from './pull-secret.ts';
import { renderRegistriesConf } from './registries-conf.ts';
import type { EmittedFile } from './resource.ts';

/** What hosts outside of any cluster need to pull from the mirror by original names. */
export interface HostFilesOptions {
  readonly registry: string;
  readonly caPem: string;
  readonly mappings: readonly MirrorMapping[];
  readonly pullSecret: DockerConfig;
}

/**
 * Files for the bastion and other RHEL hosts, laid out as on the host below `hosts/`: mirror rules, the registry's CA for the container tools
 * and for the system, and credentials (0600). `hosts/README.md` says where each belongs.
 */
export function hostFiles(options: HostFilesOptions): EmittedFile[] {
  const ca = normaliseCertificates(options.caPem);
  // Named `.crt`: container tools skip a CA called `.pem` and fail on one called `.cert`.
  return [
    { path: 'hosts/README.md', content: readme(options.registry), mode: 0o644 },
    {
      path: 'hosts/etc/containers/registries.conf.d/50-airlock.conf',
      content: renderRegistriesConf(options.mappings).replace(/^unqualified-search-registries.*\n+/, ''),
      mode: 0o644,
    },
    { path: `hosts/etc/containers/certs.d/${options.registry}/ca.crt`, content: ca, mode: 0o644 },
    { path: 'hosts/etc/pki/ca-trust/source/anchors/airlock-site-ca.crt', content: ca, mode: 0o644 },
    { path: 'hosts/registries.conf', content: renderRegistriesConf(options.mappings), mode: 0o644 },
    {
      path: 'hosts/auth.json',
      content: `${JSON.stringify(mergeDockerConfigs(options.pullSecret), null, 2)}\n`,
      mode: 0o600,
    },
  ];
}

function readme(registry: string): string {
  return [
    '# Files for hosts',
    '',
    '`etc/` lies as on the host: copy it to `/`, then run `update-ca-trust extract`.',
    '',
    '| File | For |',
    '|---|---|',
    '| `etc/containers/registries.conf.d/50-airlock.conf` | Podman, Skopeo, CRI-O: original names lead to the mirror |',
    `| \`etc/containers/certs.d/${registry}/ca.crt\` | the same: the CA of the mirror |`,
    '| `etc/pki/ca-trust/source/anchors/airlock-site-ca.crt` | everything else on the host |',
    '| `registries.conf` | the same rules as one whole file, for `CONTAINERS_REGISTRIES_CONF` |',
    '| `auth.json` | credentials, for `--authfile` or `$XDG_RUNTIME_DIR/containers/auth.json`; keep it private |',
    '',
  ].join('\n');
}
