import { renderSiteSchema } from './site-json-schema.ts';

/** A file to write. */
export interface InitFile {
  readonly name: string;
  readonly content: string;
}

/** What to put into the files that `airlock init` writes. */
export interface InitOptions {
  /** Default `lab`. */
  readonly name?: string;
  /** Default `<name>.example.com`. */
  readonly baseDomain?: string;
  /** Path or URL of the JSON Schema; left out, the schema is written beside as `site.schema.json`. */
  readonly schema?: string;
}

/**
 * A commented `site.yaml` in its short form and an `imageset.yaml`, and the schema that editors check the first one by. Lines with one `#` become
 * valid configuration when the `# ` is taken away; lines with two are prose.
 */
export function renderInitFiles(options: InitOptions = {}): readonly InitFile[] {
  const name = options.name ?? 'lab';
  const schema = options.schema ?? './site.schema.json';
  return [
    { name: 'site.yaml', content: renderSite(name, options.baseDomain ?? `${name}.example.com`, schema) },
    { name: 'imageset.yaml', content: imageSet },
    ...(options.schema === undefined ? [{ name: 'site.schema.json', content: renderSiteSchema() }] : []),
  ];
}

const renderSite = (
  name: string,
  baseDomain: string,
  schema: string,
): string => `# yaml-language-server: $schema=${schema}
apiVersion: airlock/v1alpha1
kind: Site
metadata:
  name: ${name}
spec:
  ## Below it lie all names: registry.${baseDomain}, web.${baseDomain}, api.hub.${baseDomain} …
  baseDomain: ${baseDomain}
  ## What to mirror. Paths start at this file.
  imageSet: imageset.yaml
  ## The host inside the gap. The family of its first address is the primary one; IPv4, IPv6 or both.
  bastion:
    host: bastion
    addresses: [192.0.2.1]

  ## Everything below is optional. Take the "# " away to change a default; "airlock lint site.yaml" tells what does not fit.

  # paths: {registry: /opt/registry, web: /opt/srv, state: /var/lib/airlock}
  ## auto: Podman where its socket answers, else Airlock's own registry. Others: podman, embedded, external.
  # registry: {mode: auto, host: registry, port: 5000, namespace: "", username: airlock}
  # web: {host: web, httpPort: 8080, httpsPort: 8443}
  # dns: {serve: true, port: 53, ttl: 300, forwarders: []}
  ## A CA of your own; left out, a site CA is made.
  # certificates: {caFile: ca.pem, caKeyFile: ca.key, days: 825}
  # ntp: [192.0.2.1]

  ## The cluster that hosts the control planes.
  # managementCluster:
  #   name: hub
  #   kubeconfig: hub.kubeconfig
  #   apiVIPs: [192.0.2.10]
  #   ingressVIPs: [192.0.2.11]
  #   nodes:
  #   - {name: master-0, addresses: [192.0.2.20]}
  #   - {name: master-1, addresses: [192.0.2.21]}
  #   - {name: master-2, addresses: [192.0.2.22]}
  #   multiclusterEngine: {version: "2.9"}
  #   storageClasses: {etcd: lvms-vg1, assisted: lvms-vg1}

  # hostedClusters:
  # - name: hosted1
  #   release: 4.19.10              ## has to be in the image set
  #   publishing: NodePort          ## or LoadBalancer; cannot be changed later
  #   ingressVIPs: [192.0.2.40]
  #   network: {machine: [192.0.2.0/24]}
  #   sshKeyFile: id_ed25519.pub
  #   nodePools:
  #   - name: workers
  #     hosts:
  #     - name: worker-0
  #       addresses: [192.0.2.30]
  #       macAddress: "52:54:00:00:00:01"
  #       bmc:
  #         address: redfish-virtualmedia+https://192.0.2.90/redfish/v1/Systems/1
  #         credentialsFile: worker-0.bmc     ## two lines: "username: …" and "password: …"
`;

const imageSet = `## What to mirror: an ImageSetConfiguration as oc-mirror v2 reads it.
apiVersion: mirror.openshift.io/v2alpha1
kind: ImageSetConfiguration
mirror:
  platform:
    channels:
    - name: stable-4.19
      minVersion: 4.19.10
      maxVersion: 4.19.10
    ## The update graph, for an OpenShift Update Service inside the gap.
    # graph: true

  ## Operators: the heads of all channels of each package, unless versions say otherwise.
  # operators:
  # - catalog: registry.redhat.io/redhat/redhat-operator-index:v4.19
  #   packages:
  #   - name: multicluster-engine
  #   - name: lvms-operator
  #   - name: metallb-operator
  #     channels:
  #     - {name: stable}

  ## Any other image, by tag or digest.
  # additionalImages:
  # - name: registry.redhat.io/ubi9/ubi:latest

  ## Regular expressions (RE2); what they match is left out.
  # blockedImages:
  # - name: .*-must-gather.*
`;
