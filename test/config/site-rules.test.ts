import { describe, expect, test } from 'vitest';
import { formatFinding, parseSite } from '../../src/config/index.ts';
import { hostedSite } from './sites.ts';

function findings(...changes: readonly (readonly [string | RegExp, string])[]): string {
  let text = hostedSite;
  for (const [from, to] of changes) {
    const next = text.replace(from, to);
    if (next === text) throw new Error(`nothing to replace: ${from}`);
    text = next;
  }
  return parseSite(text, 'site.yaml', { folder: '/srv' }).findings.map(formatFinding).join('\n');
}

test('A missing management cluster is told beside the faults of a hosted cluster, at the line of those', () => {
  const cut = / {2}managementCluster:\n[\s\S]*?(?= {2}hostedClusters:)/;
  const text = findings([cut, ''], [/release: \S+/, 'release: latest']);
  expect(text).toMatch(/^site\.yaml:(\d+):3: spec\.managementCluster: hosted clusters need a managementCluster/m);
  expect(text).toMatch(/^site\.yaml:\d+:\d+: spec\.hostedClusters\[0\]\.release: has to be a whole release version/m);
});

describe('A prefix with bits beyond its length', () => {
  test.each([
    [
      'of the machine network',
      'machine: [192.0.2.0/24]',
      'machine: [192.0.2.10/24]',
      /network\.machine\[0\]: warning: 192\.0\.2\.10\/24 is an address in a network; the network is 192\.0\.2\.0\/24 \(write 192\.0\.2\.0\/24/,
    ],
    [
      'of pods, in IPv6',
      'machine: [192.0.2.0/24]',
      'cluster: [10.132.0.0/14], ovn: {ipv6: {join: "fd70::1/64"}}, machine: [192.0.2.0/24]',
      /ovn\.ipv6\.join: warning: .*the network is fd70::\/64/,
    ],
    ['for ExternalIPs', 'apiVIPs:', 'network: {externalIPs: [198.51.100.9/28]}\n    apiVIPs:', /198\.51\.100\.0\/28/],
    [
      'among what is not proxied',
      'noProxy: []',
      'noProxy: [.example.com, 198.51.100.9/24, 198.51.100.9]',
      /^[^\n]*noProxy\[1\]: warning: [^\n]*198\.51\.100\.0\/24[^\n]*$/,
    ],
  ])('%s is a warning that names the network', (_title, from, to, pattern) => {
    const text = findings([from, to]);
    expect(text).toMatch(pattern);
    expect(text.split('\n')).toHaveLength(1);
  });

  test('is taken for its network', () => {
    const text = hostedSite.replace('machine: [192.0.2.0/24]', 'machine: [192.0.2.10/24]');
    const { value } = parseSite(text, 'site.yaml', { folder: '/srv' });
    expect(value?.hostedClusters[0]?.network.machine).toEqual(['192.0.2.0/24']);
  });
});

describe('The rules between values of a site', () => {
  test('have nothing against the site of the tests', () => {
    expect(findings(['name: lab', 'name: lab2'])).toBe('');
  });

  test.each([
    [
      'a host with the address of another',
      '[192.0.2.31]',
      '[192.0.2.30]',
      /hosts\[1\]\.addresses\[0\]: 192\.0\.2\.30 is already the address of host "worker-0" of hosted1, on line 3\d/,
    ],
    ['a host with the address of the bastion', '[192.0.2.31]', '[192.0.2.1]', /already the address of the bastion/],
    ['an ingress address that a host has', '[192.0.2.40]', '[192.0.2.30]', /192\.0\.2\.30 is already the address of/],
    ['two nodes with one address', '[192.0.2.21]', '[192.0.2.20]', /already the address of node "master-0"/],
    ['an address that is written twice', '[192.0.2.31]', '[192.0.2.31, 192.0.2.31]', /is there twice/],
    [
      'a MAC address that is used twice',
      '"52:54:00:00:00:0b"',
      '"52:54:00:00:00:0a"',
      /already the MAC address of host "worker-0"/,
    ],
    ['two hosts of one name', 'name: worker-1', 'name: worker-0', /host "worker-0" is already on line/],
    ['a host with the name of the API', 'name: worker-1', 'name: api', /is the name of the cluster's own endpoint/],
    ['a UUID for a host', 'name: worker-1', 'name: 01234567-89ab-cdef-0123-456789abcdef', /must not have a UUID/],
    ['two nodes of one name', 'name: master-1', 'name: master-0', /node "master-0" is already on line/],
    [
      'a hosted cluster named like its namespace',
      'namespace: clusters',
      'namespace: hosted1',
      /cannot be the hosted cluster's own name/,
    ],
    ['a hosted cluster named like the hub', 'name: hosted1', 'name: hub', /also the name of the management cluster/],
    ['a host outside the machine network', '[192.0.2.31]', '[198.51.100.31]', /lies in none of the machine networks/],
    [
      'a pod network over the machine network',
      'machine: [192.0.2.0/24]',
      'cluster: [192.0.0.0/16], machine: [192.0.2.0/24]',
      /192\.0\.0\.0\/16 overlaps the machine network/,
    ],
    [
      'a service network over the pod network',
      'machine: [192.0.2.0/24]',
      'service: [10.133.0.0/16], machine: [192.0.2.0/24]',
      /overlaps the cluster network 10\.132\.0\.0\/14/,
    ],
    [
      'a network that OVN uses',
      'machine: [192.0.2.0/24]',
      'cluster: [100.64.0.0/14], machine: [192.0.2.0/24]',
      /OVN-Kubernetes uses itself/,
    ],
    [
      'a network over what OVN is given',
      'machine: [192.0.2.0/24]',
      'service: [10.70.0.0/16], ovn: {ipv4: {join: 10.70.0.0/16}}, machine: [192.0.2.0/24]',
      /10\.70\.0\.0\/16 overlaps 10\.70\.0\.0\/16, which OVN-Kubernetes uses itself/,
    ],
    [
      'one prefix for both uses of OVN',
      'machine: [192.0.2.0/24]',
      'ovn: {ipv4: {transit: 100.64.0.0/16}}, machine: [192.0.2.0/24]',
      /overlaps 100\.64\.0\.0\/16 of network\.ovn\.ipv4\.join/,
    ],
    [
      'an IPv6 prefix for IPv4 of OVN',
      'machine: [192.0.2.0/24]',
      'ovn: {ipv4: {join: "fd70::/64"}}, machine: [192.0.2.0/24]',
      /is no prefix of this family/,
    ],
    [
      'ingress disabled without the console',
      'name: hosted1',
      'name: hosted1\n    capabilities: {disabled: [Ingress]}',
      /Ingress is disabled without Console/,
    ],
    [
      'a capability enabled and disabled',
      'name: hosted1',
      'name: hosted1\n    capabilities: {disabled: [Insights], enabled: [Insights]}',
      /Insights is enabled too/,
    ],
    [
      'a network over the advertise address',
      'machine: [192.0.2.0/24]',
      'service: [172.20.0.0/16], machine: [192.0.2.0/24]',
      /172\.20\.0\.1, where nodes reach their API server/,
    ],
    [
      'networks of other families',
      'machine: [192.0.2.0/24]',
      'cluster: ["fd01::/48"], machine: [192.0.2.0/24]',
      /cluster: has to hold IPv4, as machine does/,
    ],
    [
      'two prefixes of one family',
      'machine: [192.0.2.0/24]',
      'machine: [192.0.2.0/25, 192.0.2.128/25]',
      /one prefix of each family/,
    ],
    [
      'a pod network without room',
      'machine: [192.0.2.0/24]',
      'cluster: [10.132.0.0/23], machine: [192.0.2.0/24]',
      /no room for the pods of a node/,
    ],
    [
      'a reversed port range',
      'machine: [192.0.2.0/24]',
      'nodePortRange: 32767-30000, machine: [192.0.2.0/24]',
      /is not a range of ports/,
    ],
    [
      'a host without an address of a family',
      'machine: [192.0.2.0/24]',
      'machine: [192.0.2.0/24, "2001:db8:10::/64"]',
      /host "worker-0" has no IPv6 address, but its machine network has/,
    ],
    [
      'an API address that is a worker',
      'publishing: NodePort',
      'publishing: NodePort\n    apiAddresses: [192.0.2.30]',
      /is a host of the hosted cluster/,
    ],
    [
      'a load balancer without address',
      'publishing: NodePort\n',
      'publishing: LoadBalancer\n    apiAddresses: []\n',
      /at least one address/,
    ],
    [
      'a pool of an architecture that is not for it',
      'replicas: 2',
      'architecture: s390x',
      /amd64, arm64 and ppc64le only/,
    ],
    ['a scale of which max is below min', 'replicas: 2', 'autoScaling: {min: 2, max: 1}', /max 1 is below min 2/],
    [
      'a BMC that boots from the network',
      'redfish-virtualmedia+https://192.0.2.90',
      'ipmi://192.0.2.90',
      /bmc\.address: "ipmi" boots from the network/,
    ],
    [
      'an NMState name in place of a device',
      'nmstate: worker-0.nmstate.yaml',
      'rootDeviceHints: {deviceName: /dev/disk/by-id/x}',
      /by-path/,
    ],
    ['a duration without unit', 'replicas: 2', 'nodeDrainTimeout: "10"', /duration with a unit/],
    [
      'an allow list beside a block list',
      'sshKeyFile: id_ed25519.pub',
      'images: {allowedRegistries: [quay.io], blockedRegistries: [docker.io]}',
      /cannot be used together/,
    ],
    [
      'a registry scope with a tag',
      'sshKeyFile: id_ed25519.pub',
      'images: {allowedRegistries: ["quay.io/a/b:latest"]}',
      /has to be host/,
    ],
    [
      'an SR-IOV network without policy',
      'sshKeyFile: id_ed25519.pub',
      'sriov: {networks: [{name: n, namespace: apps, resourceName: nic}]}',
      /no policy has the resource "nic"/,
    ],
    [
      'a sysctl of no interface',
      'sshKeyFile: id_ed25519.pub',
      'networkAttachments: [{name: n, namespace: a, plugin: {type: bridge}, sysctls: {kernel.msgmax: "1"}}]',
      /net\.….IFNAME/,
    ],
    [
      'a NodePort range of the hub that shrinks',
      'multiclusterEngine: {version: "2.9"}',
      'network: {nodePortRange: 31000-32767}',
      /may only grow/,
    ],
    [
      'a pod network of the hub',
      'multiclusterEngine: {version: "2.9"}',
      'network: {cluster: [10.128.0.0/10]}',
      /overlaps the pod network 10\.128\.0\.0\/10 of the management cluster/,
    ],
    [
      'VRRP ids that overlap',
      'multiclusterEngine: {version: "2.9"}',
      'ipFailover: [{name: a, virtualAddresses: [192.0.2.60-62]}, {name: b, vrrpIdOffset: 2, virtualAddresses: [192.0.2.70]}]',
      /VRRP ids 3 to 3 overlap those of "a" \(1 to 3\) \(write an offset of 3 or more\)/,
    ],
    [
      'a VIP that is no address',
      'multiclusterEngine: {version: "2.9"}',
      'ipFailover: [{name: a, virtualAddresses: [192.0.2.62-60]}]',
      /neither an address nor a range/,
    ],
    [
      'an external registry on the bastion',
      'mode: podman',
      'mode: external',
      /warning: an external registry is taken to run on the bastion/,
    ],
    ['more replicas than hosts', 'replicas: 2', 'replicas: 3', /warning: asks for 3 nodes, but lists 2 hosts/],
    [
      'a pool of another architecture',
      'replicas: 2',
      'architecture: arm64',
      /warning: differs from the cluster's amd64/,
    ],
    [
      'prefixes that leave a node out',
      'ttl: 300',
      'ttl: 300, reverse: [198.51.100.0/24]',
      /warning: holds no prefix for 192\.0\.2\.20 of node "master-0"/,
    ],
    [
      'interfaces without nmstate',
      'replicas: 2\n      machineConfigs: []\n      hosts:\n      - name: worker-0',
      'hosts:\n      - name: worker-0\n        bootMode: legacy',
      /^$/,
    ],
  ])('see %s', (_, from, to, reason) => {
    expect(findings([from, to])).toMatch(reason);
  });

  test('let a single-node hub have its VIPs on the node', () => {
    expect(
      findings(
        ['apiVIPs: [192.0.2.10]', 'apiVIPs: [192.0.2.20]'],
        ['ingressVIPs: [192.0.2.11]', 'ingressVIPs: [192.0.2.20]'],
      ),
    ).toBe('');
  });

  test('see a registry that an IPv6 cluster cannot reach', () => {
    const text = findings(
      ['machine: [192.0.2.0/24]', 'machine: ["2001:db8:10::/64"]'],
      ['[192.0.2.30]', '["2001:db8:10::30"]'],
      ['[192.0.2.31]', '["2001:db8:10::31"]'],
    );
    expect(text).toMatch(/the registry has no IPv6 address, but hosted cluster "hosted1" uses IPv6/);
    expect(text).toMatch(/api\.hosted1\.lab\.example\.com has no IPv6 address/);
  });

  test('see two clusters of one name, and hosts that share a namespace', () => {
    const second = hostedSite.slice(hostedSite.indexOf('  - name: hosted1'));
    const text = `${hostedSite}${second}`;
    const found = parseSite(text, 'site.yaml', { folder: '/srv' }).findings.map(formatFinding).join('\n');
    expect(found).toMatch(/hosted cluster "hosted1" is already on line 25/);
    expect(found).toMatch(/hostedClusters\[1\]\.nodePools\[0\]\.hosts\[0\]\.name: host "worker-0" is already/);
  });
});
