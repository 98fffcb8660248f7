/** A host with all its addresses, of either family. A name without a dot gets the domain of where it stands. */
export interface DnsHost {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** The cluster that hosts the control planes. */
export interface DnsManagementCluster {
  readonly name: string;
  /** Default: the site's. */
  readonly baseDomain?: string;
  readonly apiVIPs: readonly string[];
  /** Where the internal API has addresses of its own; default `apiVIPs`. */
  readonly apiIntVIPs?: readonly string[];
  readonly ingressVIPs: readonly string[];
  readonly nodes: readonly DnsHost[];
}

/** One hosted cluster. What `publishing` says decides where `api` points (hosted-clusters-disconnected §4.1, §16). */
export interface DnsHostedCluster {
  readonly name: string;
  /** Default: the site's. */
  readonly baseDomain?: string;
  readonly publishing: 'NodePort' | 'LoadBalancer';
  /** LoadBalancer: the VIPs of the API Service. NodePort: hub nodes or a load balancer before them; empty means every hub node. */
  readonly apiAddresses: readonly string[];
  /** Empty means the hosts, which then have to run the router. */
  readonly ingressVIPs: readonly string[];
  readonly hosts: readonly DnsHost[];
}

/** All that the zones of a site follow from. */
export interface ZoneInput {
  readonly baseDomain: string;
  readonly bastion: DnsHost;
  readonly registry: DnsHost;
  readonly web: DnsHost;
  readonly managementCluster?: DnsManagementCluster;
  readonly hostedClusters: readonly DnsHostedCluster[];
  /** Names beside those of the clusters: time servers, BMCs. */
  readonly extraHosts?: readonly DnsHost[];
  /** Who serves the zones; default: the bastion. */
  readonly nameServers?: readonly DnsHost[];
  /** Default `hostmaster` in the base domain. */
  readonly mailbox?: string;
  /** Domains that hosts put behind names, beside those of the site and its clusters; only for lint. */
  readonly searchDomains?: readonly string[];
  readonly ttlSeconds: number;
  /** Address prefixes whose reverse zones are this site's, any length. */
  readonly reverse: readonly string[];
  /** SOA serial of every zone; `setSerials` gives each zone its own. */
  readonly serial: number;
}
