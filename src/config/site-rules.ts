import type { Faults } from './faults.ts';
import { findPlace } from './node.ts';
import type { Site } from './site.ts';
import { checkAddresses } from './site-address-rules.ts';
import { checkHostedClusters, reservedNames } from './site-hosted-rules.ts';
import { checkIpFailover } from './site-ip-failover-rules.ts';
import { checkHostBits, checkPortRange } from './site-network-rules.ts';
import { checkImagePolicy, checkProxy } from './site-policy-rules.ts';
import type { SiteFile } from './site-schema.ts';

/** Rules that look at more than one value. `decoded` tells what was written from what is a default. */
export function checkSite(site: Site, decoded: SiteFile, faults: Faults): void {
  checkServices(site, decoded.spec, faults);
  checkManagementCluster(site, decoded.spec, faults);
  checkHostedClusters(site, faults);
  checkAddresses(site, faults);
  checkHostBits(decoded.spec, faults);
  checkIpFailover(site, faults);
}

function checkServices(site: Site, spec: SiteFile['spec'], faults: Faults): void {
  checkPorts(site, faults);
  const { certificates, registry } = site;
  // A CA without its key is a corporate one: what it signed is imported (docs/certificates.md).
  if (certificates.caFile === undefined)
    checkPair(certificates.caFile, certificates.caKeyFile, ['caFile', 'caKeyFile'], faults);
  checkPair(certificates.certificateFile, certificates.keyFile, ['certificateFile', 'keyFile'], faults);
  if (registry.mode === 'external' && !spec.registry.addresses) {
    const hint = 'write registry.addresses, or another mode';
    faults.warning(
      'CONFIG_MISSING',
      ['spec', 'registry'],
      "an external registry is taken to run on the bastion's addresses",
      hint,
    );
  }
  if (registry.mode !== 'external' && registry.caFile !== undefined) {
    const hint = 'a CA of your own for the services belongs to certificates.caFile';
    faults.warning('CONFIG_NO_EFFECT', ['spec', 'registry', 'caFile'], 'is only read with mode external', hint);
  }
  checkProxy(site.proxy, ['spec', 'proxy'], faults);
  checkNamesAgree(site, faults);
  checkRecords(site, faults);
}

/** A further record must not be one that the site has anyway, nor come twice. */
function checkRecords(site: Site, faults: Faults): void {
  const clusters = [...(site.managementCluster ? [site.managementCluster] : []), ...site.hostedClusters];
  const own = [
    ...[site.bastion, site.registry, site.web].map(({ host }) => host),
    ...clusters.flatMap(({ domain }) => ['api', 'api-int', '*.apps'].map((name) => `${name}.${domain}`)),
  ];
  const names = site.dns.records.map((record) => record.name);
  names.forEach((name, index) => {
    if (own.includes(name))
      faults.error(
        'CONFIG_DUPLICATE',
        ['spec', 'dns', 'records', index, 'name'],
        `"${name}" is a name that the site has already`,
        'remove the record',
      );
    if (names.indexOf(name) === index) return;
    const line = faults.lineOf(['spec', 'dns', 'records', names.indexOf(name), 'name']);
    faults.error(
      'CONFIG_DUPLICATE',
      ['spec', 'dns', 'records', index, 'name'],
      `"${name}" is already on line ${line}`,
      'put all addresses into one record',
    );
  });
}

/** Two services cannot listen on one port of one address. */
function checkPorts(site: Site, faults: Faults): void {
  const services = [
    ...(site.registry.mode === 'external'
      ? []
      : [{ what: 'the registry', on: site.registry.addresses, port: site.registry.port, path: ['registry', 'port'] }]),
    { what: 'HTTP of the web server', on: site.web.addresses, port: site.web.httpPort, path: ['web', 'httpPort'] },
    { what: 'HTTPS of the web server', on: site.web.addresses, port: site.web.httpsPort, path: ['web', 'httpsPort'] },
    ...(site.dns.serve
      ? [{ what: 'DNS', on: site.bastion.addresses, port: site.dns.port, path: ['dns', 'port'] }]
      : []),
  ];
  services.forEach((service, index) => {
    const other = services
      .slice(0, index)
      .find((one) => one.port === service.port && one.on.some((at) => service.on.includes(at)));
    if (other)
      faults.error(
        'CONFIG_CONFLICT',
        ['spec', ...service.path],
        `port ${service.port} is also that of ${other.what}`,
        `give ${service.what} another port`,
      );
  });
}

/** One name has one set of addresses. */
function checkNamesAgree(site: Site, faults: Faults): void {
  const named = (['bastion', 'registry', 'web'] as const).map((key) => ({ key, ...site[key] }));
  named.forEach((one, index) => {
    const other = named.slice(0, index).find(({ host }) => host === one.host);
    if (other && other.addresses.join() !== one.addresses.join()) {
      const message = `"${one.host}" is also the name of the ${other.key}, with other addresses`;
      faults.error(
        'CONFIG_CONFLICT',
        ['spec', one.key, 'host'],
        message,
        'give it a name of its own, or the same addresses',
      );
    }
  });
}

function checkPair(
  first: string | undefined,
  second: string | undefined,
  names: readonly [string, string],
  faults: Faults,
): void {
  if ((first === undefined) === (second === undefined)) return;
  const [there, missing] = first === undefined ? [names[1], names[0]] : names;
  faults.error(
    'CONFIG_MISSING',
    ['spec', 'certificates', there],
    `${there} needs ${missing} beside it`,
    `add ${missing}, or remove ${there}`,
  );
}

function checkManagementCluster(site: Site, spec: SiteFile['spec'], faults: Faults): void {
  const { managementCluster: cluster } = site;
  const path = ['spec', 'managementCluster'];
  if (!cluster) {
    if (site.hostedClusters.length > 0)
      faults.error(
        'CONFIG_MISSING',
        // Its own path: told also where something of a hosted cluster is wrong. Shown at the clusters that need it.
        path,
        'hosted clusters need a managementCluster',
        'add managementCluster to spec',
        faults.root && findPlace(faults.root, ['spec', 'hostedClusters']),
      );
    return;
  }
  const names = cluster.nodes.map((node) => node.name);
  names.forEach((name, index) => {
    if (reservedNames.includes(name))
      faults.error(
        'CONFIG_VALUE',
        [...path, 'nodes', index, 'name'],
        `"${name}" is the name of the cluster's own endpoint`,
        'choose another one',
      );
    if (names.indexOf(name) < index)
      faults.error(
        'CONFIG_DUPLICATE',
        [...path, 'nodes', index, 'name'],
        `node "${name}" is already on line ${faults.lineOf([...path, 'nodes', names.indexOf(name), 'name'])}`,
      );
  });
  checkImagePolicy(cluster.images, [...path, 'images'], faults);
  const range = spec.managementCluster?.network?.nodePortRange;
  if (range !== undefined && checkPortRange(range, [...path, 'network', 'nodePortRange'], faults)) {
    const [low = 0, high = 0] = range.split('-').map(Number);
    if (low > 30_000 || high < 32_767)
      faults.error('CONFIG_VALUE', [...path, 'network', 'nodePortRange'], 'may only grow: it has to hold 30000-32767');
  }
}
