import type { CertificatePaths } from '../../certs/index.ts';
import type { Site } from '../../config/index.ts';
import { hostPort } from '../../core/ip.ts';
import { toolVersion } from '../../core/version.ts';
import type { Listen, ServicesSettings } from '../services/settings.ts';
import { sitePaths } from './paths.ts';

/** What the background process of a site runs. `embedded`: it serves the registry too. */
export function servicesSettings(site: Site, certificates: CertificatePaths, embedded: boolean): ServicesSettings {
  const paths = sitePaths(site);
  const { registry, web, dns } = site;
  return {
    title: site.name,
    tool: toolVersion,
    siteFile: site.file,
    stateFolder: paths.state,
    certificateFile: certificates.certificate,
    keyFile: certificates.key,
    caFile: certificates.trust,
    ...(embedded
      ? {
          registry: {
            storage: paths.storage,
            htpasswdFile: paths.htpasswd,
            readOnlyMark: paths.readOnlyMark,
            listen: listenOn(registry.addresses, registry.port),
            url: `https://${hostPort(registry.host, registry.port)}`,
          },
        }
      : {}),
    web: {
      root: paths.web,
      http: listenOn(web.addresses, web.httpPort),
      https: listenOn(web.addresses, web.httpsPort),
      urls: [`http://${hostPort(web.host, web.httpPort)}`, `https://${hostPort(web.host, web.httpsPort)}`],
    },
    ...(dns.serve ? { dns: { listen: listenOn(site.bastion.addresses, dns.port) } } : {}),
  };
}

/** The addresses of the site, and loopback of the same families: people look from the bastion itself. */
function listenOn(addresses: readonly string[], port: number): Listen[] {
  const loopback = [
    addresses.some((one) => !one.includes(':')) ? '127.0.0.1' : undefined,
    addresses.some((one) => one.includes(':')) ? '::1' : undefined,
  ];
  return [...new Set([...addresses, ...loopback.filter((one) => one !== undefined)])].map((address) => ({
    address,
    port,
  }));
}
