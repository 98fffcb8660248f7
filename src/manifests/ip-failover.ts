import type { IpFailover } from '../config/index.ts';
import { namespaceResource } from './operators.ts';
import type { Resource } from './resource.ts';
import type { ManifestStage } from './stages.ts';
import { getText, type SiteTexts } from './texts.ts';

const account = 'ipfailover';
const containerPort = 63_000;

/** Files and gates of a stage with failovers; `version` is asked for where an entry names no image. @throws AirlockError SITE_TEXT_MISSING */
export function ipFailoverParts(
  failovers: readonly IpFailover[],
  version: () => string,
  texts: SiteTexts,
): Pick<ManifestStage, 'files' | 'gates' | 'timeoutSeconds'> {
  return {
    files: failovers.map((failover) => ({
      name: `${failover.name}.yaml`,
      why: `keepalived holds ${failover.virtualAddresses.join(', ')}`,
      resources: ipFailoverResources(failover, failover.image ?? ipFailoverImage(version()), texts),
    })),
    gates: failovers.map((failover) => ({
      kind: 'conditions' as const,
      object: { apiVersion: 'apps/v1', kind: 'Deployment', name: failover.name, namespace: failover.namespace },
      wanted: { Available: 'True' as const },
    })),
    timeoutSeconds: 600,
  };
}

/** The image of a cluster version that holds keepalived; it has to be in the image set. */
export function ipFailoverImage(version: string): string {
  const minor = version.split('.').slice(0, 2).join('.');
  return `registry.redhat.io/openshift4/ose-keepalived-ipfailover-rhel9:v${minor}`;
}

/**
 * The objects that hold VIPs on nodes with keepalived: namespace, account with the two security contexts that host networking needs, scripts,
 * Deployment. `image` is the original reference.
 * @throws AirlockError SITE_TEXT_MISSING
 * @see OpenShift, "Configuring IP failover"
 */
export function ipFailoverResources(failover: IpFailover, image: string, texts: SiteTexts): Resource[] {
  const { namespace } = failover;
  const scripts = scriptFiles(failover);
  const configMap: Resource[] =
    scripts.length === 0
      ? []
      : [
          {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: `${failover.name}-scripts`, namespace },
            data: Object.fromEntries(scripts.map(({ name, file }) => [name, getText(texts, file)])),
          },
        ];
  return [
    namespaceResource(namespace),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace } },
    ...['privileged', 'hostnetwork'].map((scc) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: `${account}-${scc}`, namespace },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: `system:openshift:scc:${scc}`,
      },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
    })),
    ...configMap,
    deployment(failover, image),
  ];
}

function deployment(failover: IpFailover, image: string): Resource {
  const labels = { ipfailover: failover.name };
  const scripted = failover.checkScript !== undefined || failover.notifyScript !== undefined;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: failover.name, namespace: failover.namespace, labels },
    spec: {
      // Two pods of one node would fight over host port and VIPs.
      strategy: { type: 'Recreate' },
      replicas: failover.replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: account,
          hostNetwork: true,
          nodeSelector: { ...failover.nodeSelector },
          containers: [
            {
              name: failover.name,
              image,
              imagePullPolicy: 'IfNotPresent',
              securityContext: { privileged: true },
              ports: [{ containerPort, hostPort: containerPort }],
              env: environment(failover),
              volumeMounts: [
                { name: 'lib-modules', mountPath: '/lib/modules', readOnly: true },
                { name: 'host-slash', mountPath: '/host', readOnly: true, mountPropagation: 'HostToContainer' },
                { name: 'etc-sysconfig', mountPath: '/etc/sysconfig', readOnly: true },
                ...(scripted ? [{ name: 'scripts', mountPath: '/etc/keepalive', readOnly: true }] : []),
              ],
              livenessProbe: { initialDelaySeconds: 10, exec: { command: ['pgrep', 'keepalived'] } },
            },
          ],
          volumes: [
            { name: 'lib-modules', hostPath: { path: '/lib/modules' } },
            { name: 'host-slash', hostPath: { path: '/' } },
            { name: 'etc-sysconfig', hostPath: { path: '/etc/sysconfig' } },
            ...(scripted
              ? [{ name: 'scripts', configMap: { name: `${failover.name}-scripts`, defaultMode: 0o755 } }]
              : []),
          ],
        },
      },
    },
  };
}

function environment(failover: IpFailover): { readonly name: string; readonly value: string }[] {
  const values: Readonly<Record<string, string | undefined>> = {
    OPENSHIFT_HA_CONFIG_NAME: failover.name,
    OPENSHIFT_HA_VIRTUAL_IPS: failover.virtualAddresses.join(','),
    OPENSHIFT_HA_VIP_GROUPS: failover.groups?.toString(),
    OPENSHIFT_HA_NETWORK_INTERFACE: failover.interface,
    OPENSHIFT_HA_MONITOR_PORT: String(failover.monitorPort),
    OPENSHIFT_HA_VRRP_ID_OFFSET: String(failover.vrrpIdOffset),
    OPENSHIFT_HA_REPLICA_COUNT: String(failover.replicas),
    OPENSHIFT_HA_USE_UNICAST: failover.unicastPeers.length > 0 ? 'true' : 'false',
    OPENSHIFT_HA_UNICAST_PEERS: failover.unicastPeers.length > 0 ? failover.unicastPeers.join(',') : undefined,
    OPENSHIFT_HA_IPTABLES_CHAIN: failover.iptablesChain,
    OPENSHIFT_HA_CHECK_SCRIPT: failover.checkScript && '/etc/keepalive/check.sh',
    OPENSHIFT_HA_CHECK_INTERVAL: String(failover.checkIntervalSeconds),
    OPENSHIFT_HA_NOTIFY_SCRIPT: failover.notifyScript && '/etc/keepalive/notify.sh',
    OPENSHIFT_HA_PREEMPTION: failover.preemption,
  };
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}

/** Under names of their own: two files of other folders may be called the same. */
function scriptFiles(failover: IpFailover): { readonly name: string; readonly file: string }[] {
  const named = { 'check.sh': failover.checkScript, 'notify.sh': failover.notifyScript };
  return Object.entries(named).flatMap(([name, file]) => (file === undefined ? [] : [{ name, file }]));
}
