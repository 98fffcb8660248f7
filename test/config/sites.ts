/** The shortest site. Tests add lines to its spec. */
export const smallSite = `apiVersion: airlock/v1alpha1
kind: Site
metadata: {name: lab}
spec:
  baseDomain: lab.example.com
  bastion: {addresses: [192.0.2.1, "2001:db8:10::1"]}
`;

/** A site with a hosted cluster, IPv4. Tests replace single values. */
export const hostedSite = `apiVersion: airlock/v1alpha1
kind: Site
metadata: {name: lab}
spec:
  baseDomain: lab.example.com
  imageSet: imageset.yaml
  paths: {registry: /opt/registry, web: /opt/srv, state: /var/lib/airlock}
  bastion: {host: bastion, addresses: [192.0.2.1]}
  registry: {mode: podman, host: registry, port: 5000, namespace: "", username: airlock, passwordFile: secrets/password,
             image: "docker.io/library/registry:3"}
  web: {host: web, httpPort: 8080, httpsPort: 8443}
  dns: {serve: true, port: 53, ttl: 300, forwarders: []}
  certificates: {caFile: ca.pem, caKeyFile: ca.key, days: 825}
  ntp: [192.0.2.1]
  proxy: {httpProxy: "http://proxy:3128", httpsProxy: "http://proxy:3128", noProxy: []}
  managementCluster:
    name: hub
    kubeconfig: hub.kubeconfig
    apiVIPs: [192.0.2.10]
    ingressVIPs: [192.0.2.11]
    nodes: [{name: master-0, addresses: [192.0.2.20]}, {name: master-1, addresses: [192.0.2.21]}]
    multiclusterEngine: {version: "2.9"}
    storageClasses: {etcd: lvms-vg1, assisted: lvms-vg1}
  hostedClusters:
  - name: hosted1
    namespace: clusters
    release: 4.19.10
    publishing: NodePort
    ingressVIPs: [192.0.2.40]
    network: {machine: [192.0.2.0/24]}
    sshKeyFile: id_ed25519.pub
    nodePools:
    - name: workers
      replicas: 2
      machineConfigs: []
      hosts:
      - name: worker-0
        addresses: [192.0.2.30]
        macAddress: 52:54:00:00:00:0A
        bmc: {address: "redfish-virtualmedia+https://192.0.2.90/redfish/v1/Systems/1", credentialsFile: worker-0.bmc}
        nmstate: worker-0.nmstate.yaml
      - name: worker-1
        addresses: [192.0.2.31]
        macAddress: "52:54:00:00:00:0b"
        bmc: {address: "redfish-virtualmedia+https://192.0.2.91/redfish/v1/Systems/1", credentialsFile: worker-1.bmc, verifyCertificate: false}
`;
