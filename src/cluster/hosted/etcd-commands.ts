/** Commands inside the container `etcd` of pod `etcd-0`, as argument lists. */
export interface EtcdCommands {
  /** Where the snapshot lies: on the data volume, since the root file system is small. */
  readonly file: string;
  readonly save: readonly string[];
  /** Writes JSON with `hash`, `revision`, `totalKey`, `totalSize`. */
  readonly status: readonly string[];
  /** The tool that restores: etcd 3.6 moved it. */
  readonly restoreTool: 'etcdctl' | 'etcdutl';
}

/** Commands for the etcd of a release: paths changed after 4.13, the tool for files with etcd 3.6 in 4.21. @see reference §24.2 */
export function etcdCommands(version: string): EtcdCommands {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const at = major * 1000 + minor;
  const old = at <= 4013;
  const file = old ? '/var/lib/data/snapshot.db' : '/var/lib/snapshot.db';
  const restoreTool = at >= 4021 ? 'etcdutl' : 'etcdctl';
  const api = ['env', 'ETCDCTL_API=3'];
  const client = '/etc/etcd/tls/client';
  return {
    file,
    restoreTool,
    save: [
      ...api,
      'etcdctl',
      `--cacert=${old ? `${client}/etcd-client-ca.crt` : '/etc/etcd/tls/etcd-ca/ca.crt'}`,
      `--cert=${client}/etcd-client.crt`,
      `--key=${client}/etcd-client.key`,
      `--endpoints=${old ? 'localhost:2379' : 'https://localhost:2379'}`,
      'snapshot',
      'save',
      file,
    ],
    status: [...api, restoreTool, 'snapshot', 'status', file, '-w', 'json'],
  };
}
