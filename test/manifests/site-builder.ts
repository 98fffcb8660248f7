import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSite, type Site } from '../../src/config/index.ts';
import { parseYaml } from '../../src/core/yaml.ts';
import { type EmitInput, siteTextFiles } from '../../src/manifests/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import type { SelectedCatalog, SelectedImage, SelectedRelease } from '../../src/plan/index.ts';
import { selfSigned } from '../helpers/certificate.ts';
import { imageRecord } from './golden-records.ts';
import { type Change, spoil } from './wrong-objects.ts';

const fixtures = path.resolve(import.meta.dirname, '../fixtures/manifests');

/** A site of `test/fixtures/manifests`, read from a folder of fixed name so that golden files hold no path of a machine. */
export function fixtureSite(name: string): Site {
  const text = readFileSync(path.join(fixtures, `${name}.site.yaml`), 'utf8');
  const { value, findings } = parseSite(text, `/site/${name}/site.yaml`, { folder: `/site/${name}` });
  if (!value) throw new Error(findings.map((finding) => `${finding.place?.path}: ${finding.message}`).join('\n'));
  return value;
}

/** The same with changes of its fields, as a user makes them later; paths below `spec`. */
export function changedSite(name: string, change: Change): Site {
  const site = parseYaml(readFileSync(path.join(fixtures, `${name}.site.yaml`), 'utf8')) as { readonly spec: object };
  const text = JSON.stringify({ ...site, spec: spoil(site.spec, change) });
  const { value, findings } = parseSite(text, `/site/${name}/site.yaml`, { folder: `/site/${name}` });
  if (!value) throw new Error(findings.map((finding) => `${finding.place?.path}: ${finding.message}`).join('\n'));
  return value;
}

/** One release with two components and boot images, and its image records. */
export function releaseRecord(
  version: string,
  architecture: string,
): { readonly release: SelectedRelease; readonly images: readonly SelectedImage[] } {
  const suffix = { amd64: 'x86_64', arm64: 'aarch64' }[architecture] ?? architecture;
  const tag = `${version}-${suffix}`;
  const origin = `quay.io/openshift-release-dev/ocp-release:${tag}`;
  const component = (name: string): string =>
    `quay.io/openshift-release-dev/ocp-v4.0-art-dev@${digestOf(`${tag} ${name}`)}`;
  const components = { hypershift: component('hypershift'), etcd: component('etcd') };
  const build = `9.6.${version.replaceAll('.', '')}-0`;
  const stream = architecture === 'multi' ? ['x86_64', 'aarch64', 'ppc64le'] : [suffix];
  return {
    release: {
      version,
      architecture,
      digest: digestOf(origin),
      origin,
      repository: 'openshift/release-images',
      tag,
      channels: [],
      signature: 'verified',
      components,
      coreos: stream.map((arch) => {
        const artifact = (file: string) => ({
          webPath: `/rhcos/${build}/${arch}/${file}`,
          sha256: 'ab'.repeat(32),
          sizeBytes: 1000,
        });
        return {
          build,
          architecture: arch,
          artifacts: {
            iso: artifact(`rhcos-${build}-live-iso.${arch}.iso`),
            rootfs: artifact(`rhcos-${build}-live-rootfs.${arch}.img`),
          },
        };
      }),
    },
    images: [
      imageRecord('ocpRelease', origin, 'openshift/release-images', tag),
      ...Object.entries(components).map(([name, reference]) =>
        imageRecord('ocpReleaseContent', reference, 'openshift/release', `${tag}-${name}`),
      ),
    ],
  };
}

/** Red Hat's catalog with the packages that sites here need. */
export function catalogRecord(): SelectedCatalog {
  const origin = 'registry.redhat.io/redhat/redhat-operator-index:v4.19';
  const packages: readonly [string, string][] = [
    ['multicluster-engine', 'stable-2.9'],
    ['metallb-operator', 'stable'],
    ['sriov-network-operator', 'stable'],
    ['cincinnati-operator', 'v1'],
  ];
  return {
    origin,
    digest: digestOf(origin),
    targetDigest: digestOf(`${origin} rebuilt`),
    repository: 'redhat/redhat-operator-index',
    tag: 'v4.19',
    packages: packages.map(([name, channel]) => ({
      name,
      defaultChannel: channel,
      channels: [{ name: channel, bundles: [] }],
    })),
  };
}

/** What is emitted for a site whose texts are all made up; every release that its clusters want is there. */
export function emitInputFor(site: Site, releases: readonly ReturnType<typeof releaseRecord>[]): EmitInput {
  const catalog = catalogRecord();
  const texts = Object.fromEntries(siteTextFiles(site).map((file) => [file, textFor(file)]));
  return {
    site,
    content: {
      images: [
        ...releases.flatMap(({ images }) => images),
        imageRecord('operatorCatalog', catalog.origin, catalog.repository, catalog.tag),
        imageRecord('cincinnatiGraph', 'localhost/openshift/graph-image', 'openshift/graph-image', 'latest'),
        imageRecord(
          'operatorRelatedImage',
          `registry.redhat.io/multicluster-engine/agent-rhel9@${digestOf('agent')}`,
          'multicluster-engine/agent-rhel9',
        ),
        imageRecord(
          'operatorRelatedImage',
          `registry.redhat.io/openshift4/metallb-rhel9@${digestOf('metallb')}`,
          'openshift4/metallb-rhel9',
        ),
        imageRecord(
          'generic',
          'registry.redhat.io/openshift4/ose-keepalived-ipfailover-rhel9:v4.19',
          'openshift4/ose-keepalived-ipfailover-rhel9',
          'v4.19',
        ),
      ],
      releases: releases.map(({ release }) => release),
      catalogs: [catalog],
      signatures: [],
      target: { registry: site.registry.reference, prefix: site.registry.namespace },
      provenance: { createdAt: '2026-01-02T03:04:05Z', toolVersion: '0.0.0' },
    },
    caPem: testCa(),
    password: 'kitchen-password',
    texts,
    etcdKeys: Object.fromEntries(
      site.hostedClusters.map(({ name }) => [name, Buffer.from(name.padEnd(32, '.').slice(0, 32)).toString('base64')]),
    ),
    zones: [{ name: 'lab.example.com.zone', content: '$ORIGIN lab.example.com.\n' }],
  };
}

function textFor(file: string): string {
  if (file.endsWith('.bmc')) return 'username: admin\npassword: "s3cret: word"\n';
  if (file.endsWith('.pub')) return 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKitchen airlock\n';
  if (file.endsWith('.bond.nmstate.yaml')) return bondState;
  if (file.endsWith('.nmstate.yaml')) return nmstate;
  if (file.endsWith('.sh')) return '#!/bin/sh\nexit 0\n';
  if (file.endsWith('.pem')) return testCa();
  if (file.includes('tuned'))
    return 'apiVersion: tuned.openshift.io/v1\nkind: Tuned\nmetadata: {name: quiet, namespace: openshift-cluster-node-tuning-operator}\nspec: {}\n';
  return 'apiVersion: machineconfiguration.openshift.io/v1\nkind: KubeletConfig\nmetadata: {name: pods}\nspec: {kubeletConfig: {maxPods: 300}}\n';
}

const nmstate = `interfaces:
- name: eno1
  type: ethernet
  state: up
  ipv6: {enabled: true, dhcp: false, autoconf: false, address: [{ip: "2001:db8:10::30", prefix-length: 64}]}
dns-resolver:
  config: {server: ["2001:db8:10::1"]}
`;

const bondState = `interfaces:
- {name: bond0.100, type: vlan, state: up, vlan: {base-iface: bond0, id: 100}, ipv4: {enabled: true, dhcp: true}}
- {name: bond0, type: bond, state: up, link-aggregation: {mode: active-backup, port: [eno1, eno2]}}
`;

let ca: string | undefined;

/** A CA certificate that is made once per run; golden files hold a placeholder in its place. */
export function testCa(): string {
  ca ??= selfSigned('kitchen site CA').cert;
  return ca;
}
