import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';

/** A site of a journey. Ports default to 5000, 8080, 8443 and 53, which are free in a namespace of its own. */
export interface JourneySite {
  /** Of the bastion; the first one's family is the primary one. */
  readonly addresses: readonly string[];
  readonly mode: 'podman' | 'embedded';
  readonly image?: string;
  readonly ports?: { readonly registry: number; readonly http: number; readonly https: number; readonly dns: number };
  readonly reverse?: readonly string[];
}

export const siteNames = {
  baseDomain: 'lab.example.com',
  registry: 'registry.lab.example.com',
  web: 'web.lab.example.com',
} as const;

/** Writes `site.yaml` with everything below the same folder, one hosted cluster with one host, and the files that it names. */
export async function writeSite(folder: string, site: JourneySite): Promise<string> {
  const ports = site.ports ?? { registry: 5000, http: 8080, https: 8443, dns: 53 };
  const v6 = site.addresses[0]?.includes(':') === true;
  const at = (last: number): string => (v6 ? `"fd77:fea5:0:1::${last}"` : `198.51.100.${last}`);
  const machine = v6 ? '"fd77:fea5:0:1::/64"' : '198.51.100.0/24';
  const pods = v6 ? 'cluster: ["fd01::/48"], service: ["fd02::/112"], ' : '';
  const bmc = v6 ? '[fd77:fea5:0:1::90]' : '198.51.100.90';
  const image = site.image === undefined ? '' : `, image: "${site.image}"`;
  const file = path.join(folder, 'site.yaml');
  await writeFile(
    file,
    `apiVersion: airlock/v1alpha1
kind: Site
metadata: {name: lab}
spec:
  baseDomain: ${siteNames.baseDomain}
  imageSet: imageset.yaml
  paths: {registry: bastion/registry, web: bastion/web, state: bastion/state}
  bastion: {host: bastion, addresses: ${JSON.stringify(site.addresses)}}
  registry: {mode: ${site.mode}, port: ${ports.registry}${image}}
  web: {httpPort: ${ports.http}, httpsPort: ${ports.https}}
  dns: {port: ${ports.dns}, reverse: ${JSON.stringify(site.reverse ?? [])}}
  managementCluster:
    name: hub
    kubeconfig: hub.kubeconfig
    apiVIPs: [${at(20)}]
    ingressVIPs: [${at(21)}]
    nodes: [{name: master-0, addresses: [${at(30)}]}]
    multiclusterEngine: {version: "2.10"}
    storageClasses: {etcd: lvms-vg1, assisted: lvms-vg1}
  hostedClusters:
  - name: kitchen
    namespace: clusters
    release: 4.20.1
    architecture: amd64
    publishing: NodePort
    apiAddresses: [${at(30)}]
    ingressVIPs: [${at(40)}]
    network: {${pods}machine: [${machine}]}
    sshKeyFile: id_ed25519.pub
    nodePools:
    - name: workers
      replicas: 1
      hosts:
      - name: worker-0
        addresses: [${at(50)}]
        macAddress: "52:54:00:00:00:01"
        bmc: {address: "redfish-virtualmedia+https://${bmc}/redfish/v1/Systems/1", credentialsFile: worker-0.bmc, verifyCertificate: false}
`,
  );
  await writeFile(path.join(folder, 'worker-0.bmc'), 'username: kitchen\npassword: kitchen-only\n', { mode: 0o600 });
  const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
  await writeFile(path.join(folder, 'id_ed25519.pub'), `ssh-ed25519 ${key} kitchen\n`);
  return file;
}

/** Four different ports of loopback that were free a moment ago, for a site outside of a namespace. */
export async function freeSitePorts(): Promise<NonNullable<JourneySite['ports']>> {
  const servers = await Promise.all(
    Array.from(
      { length: 4 },
      () =>
        new Promise<net.Server>((resolve, reject) => {
          const server = net.createServer().on('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const [registry = 0, http = 0, https = 0, dns = 0] = servers.map((one) => (one.address() as net.AddressInfo).port);
  await Promise.all(servers.map((one) => new Promise((resolve) => one.close(resolve))));
  return { registry, http, https, dns };
}
