import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { lintCodes, lintManifest } from '../../../src/manifests/index.ts';
import { describeShared } from '../../helpers/real.ts';

/** `line code` of each finding. */
function lint(text: string, file = 'kitchen.yaml'): string[] {
  return lintManifest(file, text).map(({ place, code }) => `${place?.line} ${code}`);
}

const hosted = (spec: string): string => `apiVersion: hypershift.openshift.io/v1beta1
kind: HostedCluster
metadata: {name: hosted1, namespace: clusters}
spec:
  release: {image: "registry.example.com:5000/openshift/release-images@sha256:${'a'.repeat(64)}"}
  pullSecret: {name: hosted1-pull-secret}
  etcd: {managementType: Managed}
  platform: {type: Agent, agent: {agentNamespace: hosted1-hosts}}
${spec}`;
const services = `  services:
  - {service: APIServer, servicePublishingStrategy: {type: LoadBalancer}}
  - {service: OAuthServer, servicePublishingStrategy: {type: Route}}
  - {service: Konnectivity, servicePublishingStrategy: {type: Route}}
  - {service: Ignition, servicePublishingStrategy: {type: Route}}
`;
const networks = (machine: string, cluster = '10.132.0.0/14'): string =>
  `  networking: {machineNetwork: [${machine}], clusterNetwork: [{cidr: ${cluster}}], serviceNetwork: [{cidr: 172.31.0.0/16}]}\n`;
const good = `${services}${networks('{cidr: 192.0.2.0/24}')}`;
const nodePool = (spec: string): string => `apiVersion: hypershift.openshift.io/v1beta1
kind: NodePool
metadata: {name: pool, namespace: clusters}
spec:
  clusterName: hosted1
  release: {image: "registry.example.com:5000/openshift/release-images@sha256:${'a'.repeat(64)}"}
  management: {upgradeType: InPlace}
  platform: {type: Agent, agent: {}}
${spec}`;
const idms = (rules: string, kind = 'ImageDigestMirrorSet'): string => `apiVersion: config.openshift.io/v1
kind: ${kind}
metadata: {name: kitchen}
spec:
  imageDigestMirrors:
${rules}`;
const host = (address: string): string => `apiVersion: metal3.io/v1alpha1
kind: BareMetalHost
metadata: {name: worker-0, namespace: hosts, labels: {infraenvs.agent-install.openshift.io: hosted1}}
spec:
  online: true
  bmc: {address: "${address}", credentialsName: bmc}
`;
const configMap = (data: string, metadata = 'name: registry-config, namespace: openshift-config'): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {${metadata}}\ndata:\n${data}`;
const pem = (indent: string, end = '|'): string =>
  `${end}\n${indent}-----BEGIN CERTIFICATE-----\n${indent}MIIB\n${indent}-----END CERTIFICATE-----\n`;

/** CN=registry.example.com, no subject alternative name. */
const withoutName = `    -----BEGIN CERTIFICATE-----
    MIIBlTCCATugAwIBAgIUHzviMbXAlihIFaiwy0T/+tD7uu4wCgYIKoZIzj0EAwIw
    HzEdMBsGA1UEAwwUcmVnaXN0cnkuZXhhbXBsZS5jb20wIBcNMjYxMTI5MTkzNDA3
    WhgPMjEyNjExMDUxOTM0MDdaMB8xHTAbBgNVBAMMFHJlZ2lzdHJ5LmV4YW1wbGUu
    Y29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEtwuBaIMRmp1GQDsuQ6QotDAb
    mlygI9RyXYKN2MobIKqBbxuaA84Sm2DMLYW6Tc9Gb/q15kxw1OLRkGSYR/UmS6NT
    MFEwHQYDVR0OBBYEFDj/qMWSKBxNvTB9RW5EcEE9AradMB8GA1UdIwQYMBaAFDj/
    qMWSKBxNvTB9RW5EcEE9AradMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID
    SAAwRQIgV9x58YJd77+P2uKmtf5P0yyctE4UdJFfjaaKKbJOXMUCIQDbfYNT+C1w
    056D4Qv4Y8csU673Kwvq1R3kztRuJ6p4bA==
    -----END CERTIFICATE-----
`;

describe('lintManifest', () => {
  test.each<[string, string]>([
    ['a hosted cluster', hosted(good)],
    ['a node pool', nodePool('  replicas: 0\n')],
    ['a mirror set', idms('  - {source: quay.io/a, mirrors: ["registry.example.com:5000/a"]}\n')],
    ['a host with an IPv6 BMC', host('redfish-virtualmedia://[2001:db8::1]:8000/redfish/v1/Systems/1')],
    ['a CA', configMap(`  registry.example.com..5000: ${pem('    ')}`)],
    ['a template', 'apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {key: REDACTED}\n'],
  ])('accepts %s', (_, text) => {
    expect(lint(text)).toEqual([]);
  });

  test.each<[string, string, string[]]>([
    [
      'one catalog image of four, by tag',
      hosted(good).replace(
        'namespace: clusters}',
        'namespace: clusters, annotations: {hypershift.openshift.io/redhat-operators-catalog-image: "r/redhat:v4.19"}}',
      ),
      ['3 LINT_CATALOGS', '3 LINT_CATALOGS'],
    ],
    [
      'a catalog override that is never looked for',
      hosted(good).replace(
        'namespace: clusters}',
        'namespace: clusters, annotations: {hypershift.openshift.io/olm-catalogs-is-registry-overrides: "quay.io=r/quay,registry.redhat.io"}}',
      ),
      ['3 LINT_CATALOGS', '3 LINT_CATALOGS'],
    ],
    [
      'a bond whose second card has no MAC address',
      'apiVersion: agent-install.openshift.io/v1beta1\nkind: NMStateConfig\nmetadata: {name: a, namespace: hosts}\nspec:\n  interfaces: [{name: eno1, macAddress: "52:54:00:00:00:01"}]\n  config:\n    interfaces: [{name: bond0, type: bond, link-aggregation: {mode: active-backup, port: [eno1, eno2]}}]\n',
      ['5 LINT_HOST'],
    ],
    [
      'an OperatorHub that nobody reads',
      'apiVersion: config.openshift.io/v1\nkind: OperatorHub\nmetadata: {name: default}\nspec: {disableAllDefaultSources: true}\n',
      ['3 LINT_NAME'],
    ],
    [
      'install flags and signatures where nobody looks',
      `${configMap('  installFlagsToAdd: ""\n', 'name: hypershift-operator-install-flags, namespace: hypershift')}---\n${configMap('  a: b\n', 'name: signatures, namespace: openshift-config, labels: {release.openshift.io/verification-signatures: ""}')}`,
      ['5 LINT_INSTALL_FLAGS', '3 LINT_NAMESPACE', '9 LINT_NAMESPACE'],
    ],
    [
      'a load balancer with the block of a node port',
      hosted(good.replace('{type: LoadBalancer}', '{type: LoadBalancer, nodePort: {address: api.a.example.com}}')),
      ['10 LINT_SERVICES'],
    ],
    ['a release by tag', hosted(good).replace(/@sha256:a+/, ':4.19.10-x86_64'), ['5 LINT_RELEASE_TAG']],
    ['a list where an object is wanted', hosted(`  additionalTrustBundle: [{name: ca}]\n${good}`), ['9 LINT_SCHEMA']],
    ['a missing service', hosted(good).replace(/ {2}- \{service: Ignition.*\n/, ''), ['10 LINT_SERVICES']],
    [
      'OAuth by load balancer',
      hosted(good).replace(
        'OAuthServer, servicePublishingStrategy: {type: Route}',
        'OAuthServer, servicePublishingStrategy: {type: LoadBalancer}',
      ),
      ['11 LINT_SERVICES'],
    ],
    ['overlapping networks', hosted(`${services}${networks('{cidr: 10.133.0.0/16}')}`), ['14 LINT_NETWORK']],
    ['an address in a network', hosted(`${services}${networks('{cidr: 192.0.2.10/24}')}`), ['14 LINT_NETWORK']],
    ['a prefix that is none', hosted(`${services}${networks('{cidr: 999.0.0.0/99}')}`), ['14 LINT_NETWORK']],
    [
      'families in different order',
      hosted(`${services}${networks('{cidr: "fd00::/64"}')}`),
      ['14 LINT_NETWORK', '14 LINT_NETWORK'],
    ],
    ['an empty pausedUntil', hosted(`  pausedUntil: ""\n${good}`), ['9 LINT_SCHEMA', '9 LINT_PAUSED']],
    [
      'mirrors without the release',
      hosted(`  imageContentSources: [{source: registry.redhat.io/ubi9, mirrors: ["r.example.com/ubi9"]}]\n${good}`),
      ['9 LINT_RELEASE_SOURCES', '5 LINT_CATALOGS'],
    ],
    ['a bad duration', nodePool('  replicas: 0\n  nodeDrainTimeout: 1d\n'), ['10 LINT_DURATION']],
    ['replicas and autoscaling', nodePool('  replicas: 0\n  autoScaling: {min: 1, max: 2}\n'), ['5 LINT_REPLICAS']],
    ['an unknown field', nodePool('  replicas: 0\n  replica: 1\n'), ['10 LINT_UNKNOWN_FIELD']],
    [
      'a scheme in a source',
      idms('  - {source: "https://quay.io/a", mirrors: ["r.example.com/a"]}\n'),
      ['6 LINT_SCHEMA', '6 LINT_MIRROR_GRAMMAR'],
    ],
    [
      'an IPv6 mirror',
      idms('  - {source: quay.io/a, mirrors: ["[2001:db8::1]:5000/a"]}\n'),
      ['6 LINT_SCHEMA', '6 LINT_MIRROR_GRAMMAR'],
    ],
    [
      'a tag in a mirror',
      idms('  - {source: quay.io/a, mirrors: ["r.example.com/a:v1"]}\n'),
      ['6 LINT_SCHEMA', '6 LINT_MIRROR_GRAMMAR'],
    ],
    [
      'a port that does not exist',
      idms('  - {source: quay.io/a, mirrors: ["r.example.com:99999/a"]}\n'),
      ['6 LINT_MIRROR_GRAMMAR'],
    ],
    [
      'a source that never matches',
      idms('  - {source: "quay.io:443/a", mirrors: ["r.example.com/a"]}\n'),
      ['6 LINT_MIRROR_NEVER_MATCHES'],
    ],
    ['a rule without mirrors', idms('  - {source: quay.io/a, mirrors: []}\n'), ['6 LINT_MIRROR_EMPTY']],
    [
      'a reversed rule',
      idms(
        '  - {source: quay.io/a, mirrors: [r.example.com/a]}\n  - {source: quay.io/b, mirrors: [r.example.com/b]}\n  - {source: r.example.com/c, mirrors: [quay.io/c]}\n',
      ),
      ['8 LINT_MIRROR_REVERSED'],
    ],
    [
      'a policy beside a mirror set',
      `apiVersion: operator.openshift.io/v1alpha1\nkind: ImageContentSourcePolicy\nmetadata: {name: old}\nspec: {repositoryDigestMirrors: [{source: quay.io/a, mirrors: [r.example.com/a]}]}\n---\n${idms('  - {source: quay.io/b, mirrors: [r.example.com/b]}\n')}`,
      ['2 LINT_ICSP', '2 LINT_ICSP_MIXED'],
    ],
    ['brackets around IPv4', host('redfish-virtualmedia://[192.0.2.1]/redfish/v1/Systems/1'), ['6 LINT_BMC_ADDRESS']],
    [
      'an IPv6 BMC without brackets',
      host('redfish-virtualmedia://2001:db8::1/redfish/v1/Systems/1'),
      ['6 LINT_BMC_ADDRESS'],
    ],
    ['a BMC without a system', host('redfish-virtualmedia://192.0.2.1'), ['6 LINT_BMC_ADDRESS']],
    ['network boot', host('ipmi://192.0.2.1:6230'), ['6 LINT_BMC_ADDRESS']],
    ['an unknown BMC type', host('ilo4-virtualmedia://192.0.2.1/redfish/v1/Systems/1'), ['6 LINT_BMC_ADDRESS']],
    ['a colon in a registry key', configMap(`  "registry.example.com:5000": ${pem('    ')}`), ['5 LINT_REGISTRY_KEY']],
    ['one dot before the port', configMap(`  registry.example.com.5000: ${pem('    ')}`), ['5 LINT_REGISTRY_KEY']],
    [
      'a CA without final newline',
      configMap(`  registry.example.com..5000: ${pem('    ', '|-')}`),
      ['5 LINT_CA_NEWLINE'],
    ],
    [
      'a registry CA elsewhere',
      configMap(`  registry.example.com: ${pem('    ')}`, 'name: registry-config, namespace: default'),
      ['3 LINT_NAMESPACE'],
    ],
    [
      'data in a map for injection',
      configMap(
        '  ca-bundle.crt: ""\n',
        'name: x, namespace: y, labels: {config.openshift.io/inject-trusted-cabundle: "true"}',
      ),
      ['5 LINT_CA_INJECTION'],
    ],
    [
      'a node configuration with tag mirrors',
      configMap('  config: |\n    kind: ImageTagMirrorSet\n', 'name: pool, namespace: clusters'),
      ['5 LINT_NODE_CONFIG'],
    ],
    [
      'an etcd key encoded twice',
      `apiVersion: v1\nkind: Secret\nmetadata: {name: a-etcd-encryption-key}\ndata:\n  key: ${Buffer.from(Buffer.alloc(32).toString('base64')).toString('base64')}\n`,
      ['5 LINT_ETCD_KEY'],
    ],
    [
      'a pull secret with a scheme and a bad auth',
      `apiVersion: v1\nkind: Secret\nmetadata: {name: pull}\nstringData:\n  .dockerconfigjson: '{"auths":{"https://r.example.com":{"auth":"YTpi"},"q.example.com":{"auth":"YTpiYw"}}}'\n`,
      ['5 LINT_PULL_SECRET', '5 LINT_PULL_SECRET'],
    ],
    [
      'a proxy with https for http',
      'apiVersion: config.openshift.io/v1\nkind: Proxy\nmetadata: {name: cluster}\nspec:\n  httpProxy: https://p:3128\n  noProxy: "a, b"\n',
      ['5 LINT_PROXY', '6 LINT_PROXY'],
    ],
    [
      'an allow list that locks out the payload',
      'apiVersion: config.openshift.io/v1\nkind: Image\nmetadata: {name: cluster}\nspec:\n  registrySources:\n    allowedRegistries: [r.example.com]\n',
      ['6 LINT_REGISTRY_LISTS'],
    ],
    [
      'a shrunk NodePort range',
      'apiVersion: config.openshift.io/v1\nkind: Network\nmetadata: {name: cluster}\nspec: {serviceNodePortRange: 31000-32000}\n',
      ['4 LINT_NODE_PORT_RANGE'],
    ],
    [
      'a tuning plugin in front',
      `apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata: {name: a, namespace: b}\nspec:\n  config: '{"plugins":[{"type":"tuning","sysctl":{"kernel.x":"1"}}]}'\n`,
      ['5 LINT_POD_NETWORK', '5 LINT_POD_NETWORK'],
    ],
    [
      'a decimal mode',
      'apiVersion: machineconfiguration.openshift.io/v1\nkind: MachineConfig\nmetadata: {name: a, labels: {machineconfiguration.openshift.io/role: worker}}\nspec: {config: {storage: {files: [{path: /a, mode: 644}]}}}\n',
      ['4 LINT_FILE_MODE'],
    ],
    [
      'a cluster named as its namespace, and one named clusters',
      `${hosted(good).replace('name: hosted1', 'name: clusters')}---\n${hosted(good).replace('hosted1, namespace: clusters', 'a, namespace: a')}`,
      ['3 LINT_NAME', '18 LINT_NAME'],
    ],
    [
      'an old release without the image of its operator, and services of no use',
      hosted(
        `  imageContentSources: [{source: quay.io/openshift-release-dev, mirrors: [r.example.com/openshift-release-dev]}]\n  configuration: {operatorhub: {disableAllDefaultSources: true}}\n${good}`.replace(
          '  - {service: Ignition',
          '  - {service: OIDC, servicePublishingStrategy: {type: Route}}\n  - {service: Ignition',
        ),
      ).replace(/@sha256:a+/, ':4.16.9-x86_64'),
      ['5 LINT_RELEASE_TAG', '5 LINT_VERSION_RULE', '15 LINT_SERVICES'],
    ],
    [
      'default catalogs beside mirrors',
      hosted(
        `  olmCatalogPlacement: guest\n  imageContentSources: [{source: quay.io/openshift-release-dev, mirrors: [r.example.com/openshift-release-dev]}]\n${good}`,
      ),
      ['5 LINT_CATALOGS'],
    ],
    [
      'install flags that leave telemetry on',
      configMap('  installFlagsToAdd: ""\n', 'name: hypershift-operator-install-flags, namespace: local-cluster'),
      ['5 LINT_INSTALL_FLAGS'],
    ],
    [
      'live images of another version, over HTTPS without a CA, in a small volume',
      `apiVersion: agent-install.openshift.io/v1beta1\nkind: AgentServiceConfig\nmetadata: {name: agent}\nspec:\n  databaseStorage: {resources: {requests: {storage: 10Gi}}}\n  filesystemStorage: {resources: {requests: {storage: 20Gi}}}\n  imageStorage: {resources: {requests: {storage: 11Gi}}}\n  osImages:\n${['11', '12', '13', '14', '15', '18'].map((minor) => `  - {openshiftVersion: "4.${minor}", version: 4${minor === '18' ? '17' : minor}.94.202501221327-0, url: "${minor === '11' ? 'https' : 'http'}://web.example.com/a.iso"}\n`).join('')}`,
      ['9 LINT_OS_IMAGES', '14 LINT_OS_IMAGES', '7 LINT_STORAGE_SIZE'],
    ],
    [
      'the former annotation of MetalLB',
      'apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  annotations: {metallb.universe.tf/address-pool: ingress}\nspec: {type: LoadBalancer}\n',
      ['5 LINT_ADDRESS_POOL'],
    ],
    [
      'a server certificate without a name that Go reads',
      configMap(`  registry.example.com..5000: |\n${withoutName}`),
      ['5 LINT_CA_PEM'],
    ],
    ['YAML that cannot be read', 'a: [1\n', ['2 LINT_SYNTAX']],
  ])('finds %s', (_, text, expected) => {
    expect(lint(text)).toEqual(expected);
  });

  test.each<[string, string, string[]]>([
    [
      'both forms of one table',
      '[[registry]]\nlocation = "quay.io/a"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "r.example.com/a"\npull-from-mirror = "digest-only"\n',
      ['5 LINT_CONF_BOTH_FORMS'],
    ],
    [
      'a scheme and a slash',
      '[[registry]]\nlocation = "https://quay.io/a"\n[[registry.mirror]]\nlocation = "r.example.com/a/"\n',
      ['2 LINT_MIRROR_GRAMMAR', '4 LINT_MIRROR_GRAMMAR'],
    ],
    [
      'a second table',
      '[[registry]]\nlocation = "quay.io/a"\n[[registry]]\nlocation = "quay.io/a"\n',
      ['2 LINT_MIRROR_DOUBLED'],
    ],
    ['version 1', '[registries.search]\nregistries = ["quay.io"]\n', ['1 LINT_CONF_VERSION_1']],
    ['broken TOML', '[[registry]\n', ['1 LINT_TOML']],
  ])('finds %s in a registries.conf', (_, text, expected) => {
    expect(lint(text, 'registries.conf')).toEqual(expected);
  });

  test('reads an install-config for its mirrors, CA, credentials and networks', () => {
    const config = `apiVersion: v1
metadata: {name: hub}
baseDomain: lab.example.com
platform: {none: {}}
imageDigestSources:
- {source: "https://quay.io/a", mirrors: ["r.example.com/a"]}
additionalTrustBundle: |-
  -----BEGIN CERTIFICATE-----
  MIIB
  -----END CERTIFICATE-----
pullSecret: '{"auths": {"r.example.com": {}}}'
networking:
  machineNetwork: [{cidr: 192.0.2.10/24}, {cidr: "2001:db8:10::/64"}]
  serviceNetwork: [172.30.0.1/16]
`;
    expect(lint(config, 'install-config.yaml')).toEqual([
      '6 LINT_MIRROR_GRAMMAR',
      '7 LINT_CA_NEWLINE',
      '7 LINT_PROXY',
      '11 LINT_PULL_SECRET',
      '13 LINT_NETWORK',
      '14 LINT_NETWORK',
    ]);
  });

  test.each(['99-mirror.conf', 'mirrors.toml'])('knows a registries.conf named %s by its tables', (file) => {
    expect(lint('[[registry]]\nlocation = "https://quay.io/a"\n', file)).toEqual(['2 LINT_MIRROR_GRAMMAR']);
  });

  test.each([
    ['of another group', 'config.openshift.io/v1', 'ImageContentSourcePolicy', ['1 LINT_KIND']],
    ['of another version', 'config.openshift.io/v1alpha1', 'ImageDigestMirrorSet', ['1 LINT_KIND']],
    ['of a group that is not known', 'networking.k8s.io/v1', 'Ingress', []],
  ])('tells a kind %s', (_, apiVersion, kind, expected) => {
    expect(
      lint(`apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: cluster}\n`).filter((one) =>
        one.includes('KIND'),
      ),
    ).toEqual(expected);
  });

  test('asks more of the assisted service’s registries.conf', () => {
    const text = configMap(
      '  registries.conf: |\n    [[registry]]\n    location = "quay.io"\n    [[registry.mirror]]\n    location = "r.example.com"\n',
      'name: custom-registries, namespace: multicluster-engine',
    );
    expect(lint(text)).toEqual(['5 LINT_CONF_SEARCH', '5 LINT_CONF_SCOPE']);
  });

  test('gives every finding a code of the table and a next step', () => {
    for (const finding of lintManifest('kitchen.yaml', host('x'))) {
      expect(Object.keys(lintCodes)).toContain(finding.code);
      expect(finding.hint).toBeTruthy();
    }
  });
});

/** The slips of the published files; what stands in no row is right and has to stay without a word. */
const knownSlips: Readonly<Record<string, readonly string[]>> = {
  'assisted/agentserviceconfig/assisted-kind.yaml': ['LINT_CLUSTER_SCOPED'],
  'assisted/agentserviceconfig/assisted-select-versions-02-agentserviceconfig.yaml': ['LINT_SCHEMA'],
  'assisted/agentserviceconfig/hypershift-labs-03-agentserviceconfig.yaml': ['LINT_CLUSTER_SCOPED'],
  'assisted/agentserviceconfig/jparrill-ipv4-agentServiceConfig.yaml': ['LINT_CLUSTER_SCOPED'],
  // A pull-through cache: whole registries work for hosts, the service cannot use them.
  'assisted/registries-conf/tosin2013-mirror-registries.yml': ['LINT_CONF_SCOPE'],
  // agentLabelSelector was a field once.
  'hcp/batch-deploy/infraenv.template.yaml': ['LINT_UNKNOWN_FIELD'],
  // Not wrong for virtual machines with a provisioning network, which a site like ours has not.
  'hcp/bmh/demo-hosts.yaml': ['LINT_BMC_ADDRESS'],
  'hcp/bmh/example-host.yaml': ['LINT_BMC_ADDRESS'],
  'hcp/hypershift-agent-doc-05-ipaddresspool+l2advertisement.yaml': ['LINT_UNKNOWN_FIELD'],
  'hcp/hypershift-labs-ipv4/nodepool-01-nodepool.yaml': ['LINT_RELEASE_TAG'],
  'hcp/jparrill-dual/01-4.14-hosted_cluster-nodeport.yaml': ['LINT_MIRROR_REVERSED', 'LINT_RELEASE_TAG'],
  'hcp/jparrill-ipv4/01-4.14-hosted_cluster-nodeport.yaml': ['LINT_MIRROR_REVERSED', 'LINT_RELEASE_TAG'],
  'hcp/jparrill-ipv4/04-bmhs.yaml': ['LINT_BMC_ADDRESS'],
  // Rendered without a release.
  'hcp/rendered/agent-minimal.yaml': ['LINT_RELEASE_TAG', 'LINT_SCHEMA'],
  'hcp/rendered/none-minimal.yaml': ['LINT_RELEASE_TAG', 'LINT_SCHEMA'],
  // Parts of objects, not whole ones.
  'hcp/tosin2013-07-hostedcluster.yaml': ['LINT_RELEASE_TAG', 'LINT_SCHEMA'],
  'hcp/tosin2013-09-hostedcluster.yaml': ['LINT_SCHEMA'],
  'hcp/tosin2013-15-infraenv.yaml': ['LINT_SCHEMA'],
  // Meant to be refused.
  'outputs/catalog-source-templates/catalog-source_template_KO2.yaml': ['LINT_SYNTAX'],
  'outputs/misc/idms-oc-cli-64921.yaml': ['LINT_MIRROR_DOUBLED'],
  'outputs/registries-conf/oc-mirror-registries.conf': ['LINT_MIRROR_GRAMMAR'],
};

describeShared('lintManifest on published files', 'data', (folder) => {
  test('finds every known slip, and nothing where all is right', () => {
    const found: Record<string, string[]> = {};
    for (const top of ['hcp', 'assisted', 'outputs'])
      for (const name of readdirSync(path.join(folder, top), { recursive: true, encoding: 'utf8' })) {
        const file = path.join(folder, top, name);
        if (!statSync(file).isFile() || !/\.(ya?ml|conf)$/.test(name)) continue;
        const codes = lintManifest(file, readFileSync(file, 'utf8'))
          .filter((finding) => finding.severity !== 'info')
          .map((finding) => finding.code);
        if (codes.length > 0) found[`${top}/${name}`] = [...new Set(codes)].sort();
      }
    expect(found).toEqual(knownSlips);
  });
});
