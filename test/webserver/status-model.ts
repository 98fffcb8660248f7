import type { StatusModel } from '../../src/webserver/index.ts';

const at = new Date('2031-03-04T05:06:07Z');
const day = (count: number): Date => new Date(at.getTime() + count * 86_400_000);

/** A site with something of everything: long names, both address families, good and bad news. */
export const fullModel: StatusModel = {
  title: 'Airlock at kitchen.example',
  at,
  services: [
    { name: 'Registry', address: 'registry.kitchen.example:5000', level: 'good', state: 'healthy', since: day(-3) },
    { name: 'Web server', address: 'http://[2001:db8:10::1]:8080', level: 'good', state: 'healthy', since: day(-3) },
    { name: 'DNS', address: '192.0.2.1:53, [2001:db8:10::1]:53', level: 'bad', state: 'no answer over IPv6' },
  ],
  bundle: {
    generation: 7,
    createdAt: day(-5),
    loadedAt: day(-3),
    signedBy: 'SHA256:3q2+7w',
    sizeBytes: 48_318_382_080,
  },
  releases: [
    {
      version: '4.19.10',
      architectures: ['amd64', 'arm64'],
      image: `quay.io/openshift-release-dev/ocp-release@sha256:${'ab'.repeat(32)}`,
    },
  ],
  operators: [{ name: 'metallb-operator', catalog: 'redhat-operator-index:v4.19', channels: ['stable'] }],
  files: [
    {
      path: '/rhcos/9.6.20250701-0/x86_64/rhcos-9.6.20250701-0-live-iso.x86_64.iso',
      sizeBytes: 1_312_817_152,
      sha256: 'c0'.repeat(32),
      level: 'good',
      state: 'checked',
    },
    {
      path: '/rhcos/9.6.20250701-0/aarch64/rhcos-9.6.20250701-0-live-rootfs.aarch64.img',
      sizeBytes: 1_212_817_152,
      sha256: 'd1'.repeat(32),
      level: 'bad',
      state: 'not served',
    },
  ],
  certificates: [
    { name: 'Site CA', notAfter: day(3000), level: 'good' },
    { name: 'Server', notAfter: day(12), level: 'warning' },
    { name: 'Old server', notAfter: day(-1), level: 'bad' },
  ],
  disks: [
    { name: 'Registry', path: '/opt/registry', usedBytes: 400e9, totalBytes: 900e9, level: 'good' },
    { name: 'Web', path: '/opt/srv', usedBytes: 870e9, totalBytes: 900e9, level: 'warning' },
  ],
  check: {
    at: day(-1),
    findings: [
      {
        code: 'DNS_NO_ANSWER',
        level: 'bad',
        subject: 'api-int.hub.kitchen.example',
        message: 'no answer over IPv6',
        hint: 'open port 53 on the bastion for the machine network',
      },
    ],
  },
  snippets: [
    {
      title: 'Trust the CA on a RHEL host',
      text: 'curl -o /etc/pki/ca-trust/source/anchors/airlock.crt http://web.kitchen.example:8080/ca.crt\nupdate-ca-trust',
    },
    { title: 'Log in to the registry', text: 'podman login registry.kitchen.example:5000' },
  ],
  caPath: '/ca.crt',
  caFingerprintSha256: 'e5'.repeat(32),
};
