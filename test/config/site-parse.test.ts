import { describe, expect, test } from 'vitest';
import { formatFinding, parseSite, type Site } from '../../src/config/index.ts';
import { hostedSite, smallSite } from './sites.ts';

const options = { folder: '/srv/lab' };

function load(text: string): Site {
  const { value, findings } = parseSite(text, 'site.yaml', options);
  if (!value) throw new Error(findings.map(formatFinding).join('\n'));
  return value;
}

function faults(text: string): string[] {
  return parseSite(text, 'site.yaml', options).findings.map(formatFinding);
}

describe('parseSite', () => {
  test('completes the shortest site', () => {
    expect(load(smallSite)).toEqual({
      name: 'lab',
      file: '/srv/lab/site.yaml',
      baseDomain: 'lab.example.com',
      imageSet: undefined,
      paths: { registry: '/opt/registry', web: '/opt/srv', state: '/var/lib/airlock' },
      bastion: { host: 'bastion.lab.example.com', addresses: ['192.0.2.1', '2001:db8:10::1'] },
      registry: {
        mode: 'auto',
        host: 'registry.lab.example.com',
        addresses: ['192.0.2.1', '2001:db8:10::1'],
        port: 5000,
        namespace: '',
        username: 'airlock',
        image: 'docker.io/library/registry:3',
        reference: 'registry.lab.example.com:5000',
      },
      web: { host: 'web.lab.example.com', addresses: ['192.0.2.1', '2001:db8:10::1'], httpPort: 8080, httpsPort: 8443 },
      dns: {
        serve: true,
        servers: [],
        port: 53,
        ttl: 300,
        reverse: ['192.0.2.0/24', '2001:db8:10::/64'],
        forwarders: [],
        records: [],
      },
      certificates: { names: [], days: 825, trustFiles: [] },
      pullSecretFile: undefined,
      ntp: [],
      proxy: undefined,
      managementCluster: undefined,
      hostedClusters: [],
      families: [4, 6],
    });
  });

  test('takes every name of the design and fills in the rest', () => {
    const site = load(hostedSite);
    const [cluster] = site.hostedClusters;
    expect(site.imageSet).toBe('/srv/lab/imageset.yaml');
    expect(site.registry).toMatchObject({ mode: 'podman', passwordFile: '/srv/lab/secrets/password' });
    expect(site.managementCluster).toMatchObject({
      domain: 'hub.lab.example.com',
      kubeconfig: '/srv/lab/hub.kubeconfig',
      agentService: { databaseSize: '10Gi', filesystemSize: '100Gi', imageSize: '50Gi' },
    });
    expect(cluster).toMatchObject({
      domain: 'hosted1.lab.example.com',
      namespace: 'clusters',
      hostNamespace: 'hosted1-hosts',
      controlPlaneNamespace: 'clusters-hosted1',
      architecture: 'amd64',
      apiAddresses: ['192.0.2.20', '192.0.2.21'],
      ingressAddresses: ['192.0.2.40'],
      infrastructureAvailability: 'HighlyAvailable',
      controllerAvailability: 'HighlyAvailable',
      olmCatalogPlacement: 'guest',
      fips: false,
      network: {
        cluster: ['10.132.0.0/14'],
        service: ['172.31.0.0/16'],
        machine: ['192.0.2.0/24'],
        nodePortRange: '30000-32767',
        hostPrefix: { ipv4: 23, ipv6: 64 },
      },
      sshKeyFile: '/srv/lab/id_ed25519.pub',
      families: [4],
    });
    expect(cluster?.nodePools[0]).toMatchObject({ replicas: 2, architecture: 'amd64', upgradeType: 'InPlace' });
    expect(cluster?.nodePools[0]?.hosts[0]).toMatchObject({
      fqdn: 'worker-0.hosted1.lab.example.com',
      macAddress: '52:54:00:00:00:0a',
      bootMode: 'UEFI',
      bmc: { credentialsFile: '/srv/lab/worker-0.bmc', verifyCertificate: true },
      nmstate: '/srv/lab/worker-0.nmstate.yaml',
    });
  });

  test('writes addresses and prefixes in their canonical form', () => {
    const text = smallSite
      .replace('"2001:db8:10::1"', '"2001:0DB8:10:0::1"')
      .concat('  dns: {reverse: ["2001:DB8:10::7/64"]}\n');
    const site = load(text);
    expect(site.bastion.addresses[1]).toBe('2001:db8:10::1');
    expect(site.dns.reverse).toEqual(['2001:db8:10::/64']);
  });

  test('leaves port 443 out of references', () => {
    expect(load(`${smallSite}  registry: {port: 443}\n`).registry.reference).toBe('registry.lab.example.com');
  });

  test('gives an IPv6 hosted cluster IPv6 networks', () => {
    const text = hostedSite
      .replace('192.0.2.0/24', '"2001:db8:10::/64"')
      .replaceAll(/https:\/\/192\.0\.2\.(\d+)/g, 'https://[2001:db8:20::$1]')
      .replaceAll(/192\.0\.2\.(\d+)/g, '"2001:db8:10::$1"');
    const [cluster] = load(text).hostedClusters;
    expect(cluster?.network).toMatchObject({
      cluster: ['fd01::/48'],
      service: ['fd02::/112'],
      machine: ['2001:db8:10::/64'],
    });
    expect(cluster?.families).toEqual([6]);
  });

  test('points the names of apps at the hosts when there is no ingress address', () => {
    const [cluster] = load(hostedSite.replace(/ *ingressVIPs: \[192.0.2.40\]\n/, '')).hostedClusters;
    expect(cluster?.ingressAddresses).toEqual(['192.0.2.30', '192.0.2.31']);
  });

  test('has a default for a key that is left empty', () => {
    expect(load(`${smallSite}  registry:\n  ntp:\n  hostedClusters:\n`)).toMatchObject({
      registry: { port: 5000 },
      ntp: [],
      hostedClusters: [],
    });
  });

  test.each([
    ['registry: {hots: r}', '7:14: spec.registry.hots: unknown field "hots" (did you mean "host"?)'],
    ['registri: {}', '7:3: spec.registri: unknown field "registri" (did you mean "registry"?)'],
    [
      'registry: {mode: docker}',
      'spec.registry.mode: has to be "auto" or "podman" or "embedded" or "external", but is the text "docker"',
    ],
    [
      'registry: {port: "5000"}',
      '7:20: spec.registry.port: has to be a number, but is the text "5000" (take the quotes away)',
    ],
    ['registry: {port: 70000}', 'has to be 1 to 65535, but is the number 70000'],
    ['registry: {port: 50.5}', 'has to be a whole number, but is the number 50.5'],
    ['registry: {namespace: /mirror}', 'has to be lower-case path components'],
    ['registry: {host: 192.0.2.1}', 'spec.registry.host: has to be a name, not an address'],
    ['ntp: ["not a name"]', 'spec.ntp[0]: has to be a DNS name or an address, but is the text "not a name"'],
    [
      'dns: {records: [{name: registry, addresses: [192.0.2.7]}]}',
      '"registry.lab.example.com" is a name that the site has already',
    ],
    [
      'dns: {records: [{name: a, addresses: [192.0.2.7]}, {name: a, addresses: [192.0.2.8]}]}',
      '"a.lab.example.com" is already on line 7',
    ],
    ['registry: [podman]', '7:3: spec.registry: has to be a mapping, but is a list'],
    ['registry: {password: hunter2}', 'unknown field "password"'],
    ['ntp: ntp.example.com', 'spec.ntp: has to be a list, but is the text "ntp.example.com" (write [ntp.example.com])'],
    ['web: {addresses: []}', 'has to hold at least one address'],
    [
      'web: {addresses: ["[2001:db8::1]"]}',
      'spec.web.addresses[0]: has to be an IPv4 or IPv6 address, without brackets',
    ],
    ['dns: {ttl: -1}', 'has to be at least 0'],
    ['dns: {reverse: [192.0.2.0]}', 'has to be an address prefix'],
    ['dns: {serve: "yes"}', 'has to be true or false, but is the text "yes"'],
    ['certificates: {caKeyFile: ca.key}', 'spec.certificates.caKeyFile: caKeyFile needs caFile beside it'],
    ['web: {httpPort: 5000}', 'spec.web.httpPort: port 5000 is also that of the registry'],
    [
      'web: {host: registry, addresses: [192.0.2.9]}',
      '"registry.lab.example.com" is also the name of the registry, with other addresses',
    ],
    ['web: {addresses: [224.0.0.1]}', '224.0.0.1 cannot be the address of the web server'],
    ['proxy: {}', 'names no proxy'],
    ['proxy: {httpProxy: "https://p:1"}', 'has to begin with http://'],
    ['proxy: {httpProxy: "http://p:1", noProxy: ["*.example.com"]}', '"*.example.com" matches nothing'],
    ['proxy: {httpProxy: "http://p:1", noProxy: ["a b"]}', 'without blanks and commas'],
    [
      'hostedClusters: [{name: h, release: 4.19.10, network: {machine: [192.0.2.0/24]}}]',
      'hosted clusters need a managementCluster',
    ],
  ])('refuses %s', (line, reason) => {
    const { value, findings } = parseSite(`${smallSite}  ${line}\n`, 'site.yaml', options);
    expect(value).toBeUndefined();
    expect(findings.map(formatFinding).join('\n')).toContain(reason);
  });

  test.each([
    [
      'apiVersion: airlock/v1alpha1',
      'apiVersion: airlock/v2',
      'site.yaml:1:13: apiVersion: has to be "airlock/v1alpha1", but is the text "airlock/v2"',
    ],
    ['kind: Site', '', '"kind" is missing'],
    ['metadata: {name: lab}', 'metadata: {}', '"name" is missing'],
    ['lab.example.com', 'Lab.example.com', 'has to be a DNS name in lower case'],
    ['  bastion:', '  bastoin:', 'did you mean "bastion"?'],
  ])('refuses %j written as %j', (from, to, reason) => {
    expect(faults(smallSite.replace(from, to)).join('\n')).toContain(reason);
  });

  test('shows no password of a URL', () => {
    const text = faults(
      `${smallSite}  proxy: {httpProxy: "ftp://chef:hunter2@proxy:1", httpsProxy: "chef:hunter2@ oops"}\n`,
    ).join('\n');
    expect(text).toContain('httpProxy');
    expect(text).not.toContain('//chef:hunter2');
    expect(faults(`${smallSite}  proxy: {httpProxy: "http://chef:hunter2@proxy:1"}\n`).join()).toMatch(
      /warning: holds a password/,
    );
  });

  test('keeps each finding on one line, whatever the file holds', () => {
    const text = faults(`${smallSite}  registry: {mode: "a\\nb\\e[31m", port: "${'9'.repeat(2000)}"}\n`);
    expect(text.every((line) => !/[\n\u001b]/.test(line) && line.length < 800)).toBe(true);
  });

  test('refuses a second document', () => {
    expect(faults(`${smallSite}---\nkind: Site\n`).join()).toContain('holds one YAML document');
  });

  test('tells the faults of values and those between values at once, and none about what it put in', () => {
    const text = hostedSite
      .replace('httpPort: 8080', 'httpPort: 5000')
      .replace('namespace: ""', 'namespace: /x')
      .replace('release: 4.19.10', 'release: 4.19')
      .replace('[192.0.2.31]', '[192.0.2.30]')
      .replace('[192.0.2.21]', '[192.0.2.321]')
      .replace('52:54:00:00:00:0A', '52-54')
      .replace('    sshKeyFile: id_ed25519.pub\n', '    sshKey: id\n')
      .replace('kubeconfig: hub.kubeconfig', '')
      .replace('credentialsFile: worker-0.bmc', 'credentialsFile: []')
      .replace('name: worker-1', 'name: worker-0');
    const paths = parseSite(text, 'site.yaml', options).findings.map(({ place }) => place?.path);
    expect(paths).toEqual([
      'spec.registry.namespace',
      'spec.web.httpPort',
      'spec.managementCluster.kubeconfig',
      'spec.managementCluster.nodes[1].addresses[0]',
      'spec.hostedClusters[0].release',
      'spec.hostedClusters[0].sshKey',
      'spec.hostedClusters[0].nodePools[0].hosts[0].macAddress',
      'spec.hostedClusters[0].nodePools[0].hosts[0].bmc.credentialsFile',
      'spec.hostedClusters[0].nodePools[0].hosts[1].name',
      'spec.hostedClusters[0].nodePools[0].hosts[1].addresses[0]',
    ]);
  });

  test.each([
    ['a machine network', '[192.0.2.0/24]', '[192.0.2.0/99]'],
    ['a host address', '[192.0.2.31]', '[kettle]'],
    ['a VIP', '[192.0.2.40]', '40'],
    ['all addresses of the bastion', '[192.0.2.1]}', '[]}'],
    ['a port', 'port: 5000', 'port: 0'],
    ['a list of hosts', 'nodePools:', 'nodePools: 5\n    annotations:'],
    ['a cluster', '  - name: hosted1\n', '  - kettle\n  - name: hosted1\n'],
    ['a domain', 'baseDomain: lab.example.com', 'baseDomain: Lab'],
    ['a boolean', 'serve: true', 'serve: 1'],
  ])('says one thing of %s that cannot be read', (_, from, to) => {
    const text = hostedSite.replace(from, to);
    expect(text).not.toBe(hostedSite);
    const found = faults(text);
    expect(found.filter((line) => !/annotations/.test(line))).toHaveLength(1);
  });

  test('tells the faults of keys and those between values together', () => {
    const found = parseSite(
      `${smallSite}  registri: {}\n  web: {httpPort: 5000, tls: true}\n`,
      'site.yaml',
      options,
    ).findings;
    expect(found.map(({ place }) => place?.path)).toEqual(['spec.registri', 'spec.web.httpPort', 'spec.web.tls']);
  });
});
