import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseYamlStream } from '../../src/core/yaml.ts';
import {
  type EmittedFile,
  emitSite,
  lintManifest,
  type Resource,
  siteStages,
  validateStages,
} from '../../src/manifests/index.ts';
import { crdFaults, sharedCrds } from './crds.ts';
import { emitInputFor, fixtureSite, releaseRecord, testCa } from './site-builder.ts';

const sites = {
  ipv4: [releaseRecord('4.19.10', 'amd64'), releaseRecord('4.16.9', 'amd64')],
  ipv6: [releaseRecord('4.19.10', 'amd64')],
  dual: [releaseRecord('4.19.10', 'amd64'), releaseRecord('4.18.20', 'arm64')],
} as const;
const names = Object.keys(sites) as (keyof typeof sites)[];

interface HostedReferences {
  readonly pullSecret: { readonly name: string };
  readonly additionalTrustBundle: { readonly name: string };
  readonly secretEncryption: { readonly aescbc: { readonly activeKey: { readonly name: string } } };
}

function emitted(name: keyof typeof sites): EmittedFile[] {
  return emitSite(emitInputFor(fixtureSite(name), sites[name]));
}

function resources(files: readonly EmittedFile[]): Resource[] {
  return files
    .filter(({ path: file }) => /^\d\d-.*\.yaml$/.test(file))
    .flatMap(({ content }) => parseYamlStream(content) as Resource[]);
}

function find(files: readonly EmittedFile[], kind: string, name: string): Resource {
  const found = resources(files)
    .filter((one) => one.kind === kind && one.metadata.name === name)
    .at(-1);
  if (!found) throw new Error(`${kind} ${name} was not emitted`);
  return found;
}

/** Golden text: what changes from run to run (the CA and the suffix made from it) is a word. */
function golden(file: EmittedFile): string {
  const ca = testCa().trim();
  const indented = ca.replaceAll('\n', '\n    ');
  return `# mode ${file.mode.toString(8)}\n${file.content}`
    .replaceAll(indented, 'CA')
    .replaceAll(ca, 'CA')
    .replaceAll(Buffer.from(testCa()).toString('base64'), 'CA64')
    .replace(/user-ca-bundle-[0-9a-f]{8}/g, 'user-ca-bundle-HASH');
}

describe.each(names)('emitSite for the %s site', (name) => {
  test('gives the same bytes again', () => {
    expect(emitted(name)).toEqual(emitted(name));
  });

  test('gives what the golden files hold', async () => {
    for (const file of emitted(name).filter((one) => !one.path.startsWith('dns/')))
      await expect(golden(file)).toMatchFileSnapshot(
        path.join('../fixtures/manifests', name, file.path.replaceAll(':', '_')),
      );
  });

  test.skipIf(sharedCrds().size === 0)('gives objects that their real CRDs allow, unknown fields included', () => {
    expect(resources(emitted(name)).flatMap(crdFaults)).toEqual([]);
  });

  test('keeps every file with a secret from others', () => {
    for (const { path: file, content, mode } of emitted(name))
      if (/kind: Secret|"auth":/.test(content)) expect([file, mode.toString(8)]).toEqual([file, '600']);
  });

  test('names only secrets, maps and classes that it emits, in the right namespace', () => {
    const all = resources(emitted(name));
    const there = new Set(all.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`));
    const clusters = all.filter(({ kind }) => kind === 'HostedCluster');
    for (const { metadata, spec } of clusters) {
      const { pullSecret, additionalTrustBundle, secretEncryption } = spec as HostedReferences;
      expect(there).toContain(`Secret ${metadata.namespace}/${pullSecret.name}`);
      expect(there).toContain(`ConfigMap ${metadata.namespace}/${additionalTrustBundle.name}`);
      expect(there).toContain(`Secret ${metadata.namespace}/${secretEncryption.aescbc.activeKey.name}`);
    }
  });
});

describe('emitted objects', () => {
  test('leave rootFSUrl to engines that read it', () => {
    const site = fixtureSite('ipv6');
    const hub = site.managementCluster;
    if (!hub) throw new Error('fixture without hub');
    const old = {
      ...site,
      managementCluster: {
        ...hub,
        multiclusterEngine: { ...hub.multiclusterEngine, version: '2.4', channel: 'stable-2.9' },
      },
    };
    const text = (which: typeof site): string =>
      emitSite(emitInputFor(which, sites.ipv6)).find((file) => file.path.endsWith('agentserviceconfig.yaml'))
        ?.content ?? '';
    expect(text(site)).not.toContain('rootFSUrl');
    expect(text(old)).toContain('rootFSUrl: http://web.lab.example.com:8080/rhcos/');
  });

  test('name the control-plane operator image only for hosted releases up to 4.16', () => {
    const files = emitted('ipv4');
    const annotation = 'hypershift.openshift.io/control-plane-operator-image';
    expect(find(files, 'HostedCluster', 'hosted1').metadata.annotations?.[annotation]).toBeUndefined();
    expect(find(files, 'HostedCluster', 'hosted2').metadata.annotations?.[annotation]).toMatch(
      /^registry\.lab\.example\.com:5000\/mirror\/openshift\/release@sha256:/,
    );
  });

  test('refuse a hosted cluster whose release was not mirrored', () => {
    expect(() => emitSite(emitInputFor(fixtureSite('ipv4'), [releaseRecord('4.19.10', 'amd64')]))).toThrow(
      expect.objectContaining({ code: 'SITE_CONTENT_MISSING' }),
    );
  });

  test('take the multi payload for a cluster with pools of two architectures', () => {
    const site = fixtureSite('ipv6');
    const [cluster] = site.hostedClusters;
    const [pool] = cluster?.nodePools ?? [];
    if (!cluster || !pool) throw new Error('fixture without pool');
    const mixed = {
      ...site,
      hostedClusters: [
        { ...cluster, nodePools: [pool, { ...pool, name: 'arm', architecture: 'arm64' as const, hosts: [] }] },
      ],
    };
    const multi = releaseRecord('4.19.10', 'multi');
    const files = emitSite(emitInputFor(mixed, [...sites.ipv6, multi]));
    expect(find(files, 'NodePool', 'hosted1-arm')['spec']).toMatchObject({
      arch: 'arm64',
      release: { image: `registry.lab.example.com:5000/openshift/release-images@${multi.release.digest}` },
    });
  });

  test('keep one stage per step in the documented order', () => {
    const stages = siteStages(emitInputFor(fixtureSite('ipv6'), sites.ipv6)).map((stage) => stage.name);
    const order = [
      'default-catalogs',
      'registry-trust',
      'pull-secret',
      'mirror-sets',
      'catalogs',
      'multicluster-engine-operator',
      'multicluster-engine',
      'hypershift',
      'provisioning',
      'assisted-service',
      'metallb-operator',
      'metallb',
      'hosted1-prepare',
      'hosted1-control-plane',
      'hosted1-node-pools',
      'hosted1-infra',
      'hosted1-hosts',
      'hosted1-scale',
    ];
    expect(stages.filter((stage) => order.includes(stage))).toEqual(order);
  });
});

describe.each(names)('validateStages for the %s site', (name) => {
  test('finds nothing wrong', () => {
    const input = emitInputFor(fixtureSite(name), sites[name]);
    expect(validateStages(siteStages(input), input.content, ['multicluster-engine'])).toEqual([]);
  });

  test('has nothing for the linter to find', () => {
    const found = emitted(name)
      .filter((file) => /\.yaml$|registries/.test(file.path))
      .flatMap((file) => lintManifest(file.path, file.content));
    expect(found.filter((finding) => finding.severity !== 'info')).toEqual([]);
  });
});

describe('validateStages', () => {
  test('says which image, object and package is missing', () => {
    const input = emitInputFor(fixtureSite('ipv4'), sites.ipv4);
    const stages = siteStages(input).filter((stage) => stage.name !== 'hosted1-prepare');
    const content = { ...input.content, images: [], catalogs: [] };
    const codes = validateStages(stages, content, ['multicluster-engine']).map((finding) => finding.code);
    expect([...new Set(codes)].sort()).toEqual([
      'EMIT_NAMESPACE',
      'EMIT_NOT_MIRRORED',
      'EMIT_PACKAGE_MISSING',
      'EMIT_REFERENCE',
    ]);
  });
});
