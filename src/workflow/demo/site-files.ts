import net from 'node:net';
import path from 'node:path';
import { writeFileAtomic } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { loopbackAddresses } from './loopback.ts';
import { type DemoContent, demoNames } from './payload.ts';

/** Both configuration files of the demo. */
export interface DemoFiles {
  readonly siteFile: string;
  readonly imageSetFile: string;
}

/** Writes site and image set: everything on loopback and free high ports, one made-up hosted cluster. */
export async function writeDemoFiles(folder: string, content: DemoContent, run: Run): Promise<DemoFiles> {
  const [registry, http, https, dns] = await freePorts(4);
  const loopback = loopbackAddresses();
  const addresses = JSON.stringify(loopback);
  // Clusters need a family that the bastion has; both networks are for documentation.
  const v6 = loopback[0].includes(':');
  const at = (host: number): string => (v6 ? `"2001:db8:10::${host}"` : `192.0.2.${host}`);
  const machine = v6 ? '"2001:db8:10::/64"' : '192.0.2.0/24';
  const pods = v6 ? 'cluster: ["fd01::/48"], service: ["fd02::/112"], ' : '';
  const bmc = v6 ? '[2001:db8:10::90]' : '192.0.2.90';
  const siteFile = path.join(folder, 'site.yaml');
  const imageSetFile = path.join(folder, 'imageset.yaml');
  await writeFileAtomic(
    imageSetFile,
    `kind: ImageSetConfiguration
apiVersion: mirror.openshift.io/v2alpha1
mirror:
  platform:
    architectures: [multi]
    channels:
    - name: stable-4.20
      minVersion: ${content.version}
      maxVersion: ${content.version}
  additionalImages:
  - name: ${demoNames.toolRegistry}/${demoNames.toolRepository}:${demoNames.toolTag}
`,
    run,
  );
  await writeFileAtomic(
    siteFile,
    `apiVersion: airlock/v1alpha1
kind: Site
metadata: {name: demo}
spec:
  baseDomain: demo.example.com
  imageSet: imageset.yaml
  paths: {registry: bastion/registry, web: bastion/web, state: bastion/state}
  bastion: {host: bastion, addresses: ${addresses}}
  registry: {mode: embedded, port: ${registry}}
  web: {httpPort: ${http}, httpsPort: ${https}}
  dns: {port: ${dns}, reverse: [${machine}]}
  managementCluster:
    name: hub
    kubeconfig: hub.kubeconfig
    apiVIPs: [${at(10)}]
    ingressVIPs: [${at(11)}]
    nodes: [{name: master-0, addresses: [${at(20)}]}]
    multiclusterEngine: {version: "2.10"}
    storageClasses: {etcd: lvms-vg1, assisted: lvms-vg1}
  hostedClusters:
  - name: kitchen
    namespace: clusters
    release: ${content.version}
    architecture: amd64
    publishing: NodePort
    apiAddresses: [${at(20)}]
    ingressVIPs: [${at(40)}]
    network: {${pods}machine: [${machine}]}
    sshKeyFile: id_ed25519.pub
    nodePools:
    - name: workers
      replicas: 1
      hosts:
      - name: worker-0
        addresses: [${at(30)}]
        macAddress: "52:54:00:00:00:01"
        bmc: {address: "redfish-virtualmedia+https://${bmc}/redfish/v1/Systems/1", credentialsFile: worker-0.bmc, verifyCertificate: false}
`,
    run,
  );
  // Made up: the demo talks to no BMC and no host.
  await writeFileAtomic(path.join(folder, 'worker-0.bmc'), 'username: demo\npassword: demo-only\n', run, 0o600);
  await writeFileAtomic(
    path.join(folder, 'id_ed25519.pub'),
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA demo\n',
    run,
  );
  return { siteFile, imageSetFile };
}

/** Ports that nobody listens on now, all held until the last is found so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const [address] = loopbackAddresses();
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<net.Server>((resolve, reject) => {
          const server = net.createServer().on('error', reject);
          server.listen(0, address, () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
