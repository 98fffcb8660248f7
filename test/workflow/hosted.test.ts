import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { fieldAt } from '../../src/cluster/fields.ts';
import { AirlockError } from '../../src/core/errors.ts';
import { type CommandEnding, runCommand } from '../cluster/command.ts';
import { FakeApi } from '../cluster/fake-api.ts';
import { writeSite } from '../helpers/journey-site.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const apiVersion = 'hypershift.openshift.io/v1beta1';
const space = 'clusters-kitchen';
const key = Buffer.alloc(32, 7).toString('base64');
// More than one range of the copy.
const snapshot = Buffer.alloc((17 << 20) + 5, 'soup');
const writers = { 'control-plane-operator': 1, 'kube-apiserver': 3, 'openshift-apiserver': 2 };

/** A site with one hosted cluster, its management cluster, and etcd in a pod of it. */
async function bench() {
  const cwd = await temporaryFolder();
  await writeSite(cwd, { addresses: ['127.0.0.1'], mode: 'embedded' });
  const api = new FakeApi();
  await writeFile(path.join(cwd, 'hub.kubeconfig'), await api.listen());
  api.put({
    apiVersion,
    kind: 'HostedCluster',
    metadata: { name: 'kitchen', namespace: 'clusters' },
    spec: {
      platform: { type: 'Agent', agent: { agentNamespace: 'kitchen-hosts' } },
      secretEncryption: { type: 'aescbc', aescbc: { activeKey: { name: 'kitchen-etcd-encryption-key' } } },
    },
    status: { version: { history: [{ version: '4.20.1', state: 'Completed' }] } },
  });
  api.put({
    apiVersion,
    kind: 'NodePool',
    metadata: { name: 'workers', namespace: 'clusters' },
    spec: { clusterName: 'kitchen', replicas: 2 },
    status: { version: '4.20.1', replicas: 2 },
  });
  api.put({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'kitchen-etcd-encryption-key', namespace: 'clusters' },
    type: 'Opaque',
    data: { key },
  });
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'etcd-0', namespace: space },
    status: { phase: 'Running' },
  });
  for (const [name, replicas] of Object.entries(writers))
    api.put({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: space }, spec: { replicas } });
  const commands: string[] = [];
  const etcd: FakeApi['exec'] = (_pod, command) => {
    commands.push(command.join(' '));
    if (command.includes('status')) return { stdout: '{"hash":1,"revision":4711,"totalKey":9,"totalSize":9}' };
    if (command[0] === 'sha256sum') return { stdout: `${createHash('sha256').update(snapshot).digest('hex')}  x\n` };
    if (command[0] !== 'dd') return {};
    const [skip, count] = ['skip', 'count'].map(
      (name) => Number(command.find((one) => one.startsWith(`${name}=`))?.split('=')[1]) << 20,
    );
    return { stdout: snapshot.subarray(skip, (skip ?? 0) + (count ?? 0)) };
  };
  api.exec = etcd;
  const hosted = (words: readonly string[], world: Partial<Parameters<typeof runCommand>[1]> = {}) =>
    runCommand(['hosted', ...words], { cwd, ...world });
  const replicas = () =>
    Object.fromEntries(
      Object.keys(writers).map((name) => [
        name,
        fieldAt(api.find('apps/v1', 'Deployment', space, name), 'spec.replicas'),
      ]),
    );
  const cluster = () => api.find(apiVersion, 'HostedCluster', 'clusters', 'kitchen');
  return { cwd, api, hosted, commands, etcd, replicas, cluster };
}

function codeOf(ending: CommandEnding): unknown {
  return ending.error instanceof AirlockError ? ending.error.code : ending.error;
}

describe('airlock hosted backup-etcd', () => {
  test('shows the steps with --dry-run, and touches nothing', async () => {
    const { api, hosted, commands } = await bench();
    const ending = await hosted(['backup-etcd', 'kitchen', '--dry-run']);
    expect(ending.exitCode).toBe(0);
    expect(ending.outcome?.text).toContain('oc scale deployment -n clusters-kitchen kube-apiserver --replicas=3');
    expect(ending.outcome?.text).toContain('snapshot save /var/lib/snapshot.db');
    expect([api.writes, commands]).toEqual([[], []]);
  });

  test('takes a snapshot while the API is down, with its key, and starts everything again', async () => {
    const { cwd, api, hosted, commands, etcd, replicas, cluster } = await bench();
    let meanwhile: unknown;
    api.exec = (pod, command) => {
      if (command.includes('save')) meanwhile = [pod, replicas(), cluster()?.['spec']];
      return etcd(pod, command);
    };
    const ending = await hosted(['backup-etcd', 'kitchen', 'backup', '-y']);
    expect(ending).toMatchObject({ exitCode: 0, outcome: { result: { state: 'taken' } } });
    expect(meanwhile).toEqual([
      'clusters-kitchen/etcd-0',
      { 'control-plane-operator': 0, 'kube-apiserver': 0, 'openshift-apiserver': 0 },
      expect.objectContaining({ pausedUntil: 'true' }),
    ]);
    expect(replicas()).toEqual(writers);
    expect(cluster()?.['spec']).not.toHaveProperty('pausedUntil');
    expect(cluster()?.metadata['annotations']).toEqual({});
    expect((await readFile(path.join(cwd, 'backup/snapshot.db'))).equals(snapshot)).toBe(true);
    const record: unknown = JSON.parse(await readFile(path.join(cwd, 'backup/backup.json'), 'utf8'));
    expect(record).toMatchObject({
      version: '4.20.1',
      quiesced: true,
      snapshot: { revision: 4711, sizeBytes: snapshot.length },
      encryptionKey: { secret: 'kitchen-etcd-encryption-key' },
    });
    for (const file of ['snapshot.db', 'encryption-key.json', 'backup.json'])
      expect((await stat(path.join(cwd, 'backup', file))).mode & 0o777).toBe(0o600);
    expect(commands.at(-1)).toBe('rm -f /var/lib/snapshot.db');
    expect(JSON.stringify(ending)).not.toContain(key);
    expect(codeOf(await hosted(['backup-etcd', 'kitchen', 'backup', '-y']))).toBe('USAGE');
  }, 30_000);

  test('leaves the API up with --online', async () => {
    const { api, hosted } = await bench();
    expect((await hosted(['backup-etcd', 'kitchen', '--online', '-y'])).exitCode).toBe(0);
    expect(api.writes).toEqual([]);
  }, 30_000);

  test.each([
    ['etcd refuses', { exitCode: 1, stderr: 'context deadline exceeded' }, 'POD_COMMAND_FAILED'],
    ['the connection is cut', { cut: true }, 'CLUSTER_UNREACHABLE'],
  ])('starts everything again when %s', async (_, answer, code) => {
    const { api, hosted, etcd, replicas, cluster } = await bench();
    api.exec = (pod, command) => (command.includes('save') ? answer : etcd(pod, command));
    const ending = await hosted(['backup-etcd', 'kitchen', '-y']);
    expect([ending.exitCode, codeOf(ending)]).toEqual([3, code]);
    expect(replicas()).toEqual(writers);
    expect(cluster()?.['spec']).not.toHaveProperty('pausedUntil');
  });

  test('starts everything again when it is interrupted', async () => {
    const { api, hosted, etcd, replicas } = await bench();
    const controller = new AbortController();
    api.exec = (pod, command) => {
      if (command.includes('save')) controller.abort();
      return etcd(pod, command);
    };
    const ending = await hosted(['backup-etcd', 'kitchen', '-y'], { signal: controller.signal });
    expect(ending.exitCode).toBe(130);
    expect(replicas()).toEqual(writers);
  });

  test('puts back what a run before it that was killed had stopped', async () => {
    const { api, hosted, replicas, cluster } = await bench();
    const before = JSON.stringify({ replicas: writers, wasPaused: false });
    const killed = cluster();
    api.put({
      apiVersion,
      kind: 'HostedCluster',
      ...killed,
      metadata: { name: 'kitchen', namespace: 'clusters', annotations: { 'airlock.dev/before-etcd-backup': before } },
      spec: { ...(killed?.['spec'] as object), pausedUntil: 'true' },
    });
    for (const name of Object.keys(writers))
      api.put({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace: space },
        spec: { replicas: 0 },
      });
    expect((await hosted(['backup-etcd', 'kitchen', '-y'])).exitCode).toBe(0);
    expect(replicas()).toEqual(writers);
    expect(cluster()?.['spec']).not.toHaveProperty('pausedUntil');
  }, 30_000);

  test('keeps nothing under its final name when the copy differs', async () => {
    const { cwd, api, hosted, etcd } = await bench();
    api.exec = (pod, command) => (command[0] === 'dd' ? { stdout: 'other soup' } : etcd(pod, command));
    const ending = await hosted(['backup-etcd', 'kitchen', 'backup', '-y', '--online']);
    expect([ending.exitCode, codeOf(ending)]).toEqual([1, 'ETCD_BACKUP_DAMAGED']);
    await expect(stat(path.join(cwd, 'backup/snapshot.db'))).rejects.toThrow('ENOENT');
  });
});

describe('airlock hosted restore-etcd', () => {
  async function taken() {
    const all = await bench();
    expect((await all.hosted(['backup-etcd', 'kitchen', 'backup', '-y', '--online'])).exitCode).toBe(0);
    return all;
  }

  test('rehearses a restore in place with every command, and changes nothing', async () => {
    const { api, hosted } = await taken();
    const ending = await hosted(['restore-etcd', 'kitchen', 'backup']);
    expect(ending).toMatchObject({ exitCode: 0, outcome: { result: { way: 'in-place', findings: [] } } });
    for (const part of [
      'oc scale statefulset -n clusters-kitchen etcd --replicas=0',
      'oc delete pvc -n clusters-kitchen data-etcd-2',
      'etcd-2=https://etcd-2.etcd-discovery.clusters-kitchen.svc:2380',
      'oc scale deployment -n clusters-kitchen kube-apiserver --replicas=3',
    ])
      expect(ending.outcome?.text).toContain(part);
    expect(api.writes).toEqual([]);
  }, 30_000);

  /** Three members with their volumes, a controller that follows the StatefulSet, and a helper pod that keeps what it is written. */
  async function members() {
    const all = await taken();
    const { api } = all;
    const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: space } });
    const names = ['etcd-0', 'etcd-1', 'etcd-2'];
    for (const name of names) {
      api.put({ ...pod(name), status: { phase: 'Running' } });
      api.put({ ...pod(`data-${name}`), kind: 'PersistentVolumeClaim' });
    }
    const set = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'etcd', namespace: space },
      spec: {
        replicas: 3,
        template: { spec: { containers: [{ name: 'etcd', image: 'r.example.com/etcd@sha256:1' }] } },
      },
    };
    api.put(set);
    api.onWrite = (write) => {
      const at = `apps/v1 StatefulSet ${space}/etcd`;
      const stored = api.objects.get(at);
      if (write === `PATCH ${at}` && stored) {
        const replicas = Number(fieldAt(stored, 'spec.replicas'));
        for (const name of replicas === 0 ? names : []) api.objects.delete(`v1 Pod ${space}/${name}`);
        stored['status'] = { readyReplicas: replicas };
      }
      const helper = api.objects.get(`v1 Pod ${space}/etcd-restore`);
      if (helper) helper['status'] = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    };
    const inside: string[] = [];
    let received = Buffer.alloc(0);
    const answer: FakeApi['exec'] = (_pod, command, input = Buffer.alloc(0)) => {
      inside.push(command.join(' '));
      received = Buffer.concat([received, input]);
      return command[0] === 'sha256sum'
        ? { stdout: `${createHash('sha256').update(received).digest('hex')}  x\n` }
        : {};
    };
    api.exec = answer;
    return { ...all, inside, answer, received: () => received };
  }

  test('restores in place with -y: writers and etcd stopped, one member from the snapshot, the others empty, all started again', async () => {
    const { api, hosted, inside, received, replicas, cluster } = await members();
    let meanwhile: unknown;
    const answer = api.exec;
    api.exec = (pod, command, input) => {
      if (command.includes('restore')) meanwhile = [pod, replicas(), cluster()?.['spec']];
      return answer(pod, command, input);
    };
    const ending = await hosted(['restore-etcd', 'kitchen', 'backup', '-y']);
    expect(ending).toMatchObject({ exitCode: 0, outcome: { result: { state: 'restored' } } });
    expect(meanwhile).toEqual([
      `${space}/etcd-restore`,
      { 'control-plane-operator': 0, 'kube-apiserver': 0, 'openshift-apiserver': 0 },
      expect.objectContaining({ pausedUntil: 'true' }),
    ]);
    expect(received().equals(snapshot)).toBe(true);
    expect(inside.find((one) => one.includes('snapshot restore'))).toMatch(
      /--name=etcd-0 .*--initial-cluster=etcd-0=https:\/\/etcd-0\.etcd-discovery\.clusters-kitchen\.svc:2380,etcd-1=/,
    );
    expect(inside.find((one) => one.includes('mv /var/lib/data'))).toContain('/var/lib/data.before-');
    const volumes = ['data-etcd-0', 'data-etcd-1', 'data-etcd-2'].map((name) =>
      api.objects.has(`v1 PersistentVolumeClaim ${space}/${name}`),
    );
    expect(volumes).toEqual([true, false, false]);
    expect(api.objects.has(`v1 Pod ${space}/etcd-restore`)).toBe(false);
    expect(fieldAt(api.find('apps/v1', 'StatefulSet', space, 'etcd'), 'spec.replicas')).toBe(3);
    expect(replicas()).toEqual(writers);
    expect(cluster()?.['spec']).not.toHaveProperty('pausedUntil');
    expect(cluster()?.metadata['annotations']).toEqual({});
  }, 30_000);

  test('does in pods and to objects what it rehearsed, in that order', async () => {
    const { api, hosted, inside } = await members();
    const plan = (await hosted(['restore-etcd', 'kitchen', 'backup', '--dry-run'])).outcome?.result as {
      readonly steps: readonly { readonly command: string }[];
    };
    expect((await hosted(['restore-etcd', 'kitchen', 'backup', '-y'])).exitCode).toBe(0);
    const commands = plan.steps.map(({ command }) => command);
    // Shell words lose their quotes; the copy is one command by hand, and several pieces for us. The last step is for later.
    const told = commands.flatMap(
      (one) => /^oc exec -n \S+ etcd-restore -- (.*)$/.exec(one)?.[1]?.replaceAll("'", '') ?? [],
    );
    expect(inside.filter((one) => !/dd|cat/.test(one))).toEqual(told);
    const kinds = {
      hostedcluster: 'HostedCluster',
      nodepool: 'NodePool',
      deployment: 'Deployment',
      statefulset: 'StatefulSet',
      pvc: 'PersistentVolumeClaim',
      pod: 'Pod',
    };
    const changed = commands
      .flatMap((one) => one.split(/ && | \| xargs -I NAME /))
      .flatMap((one) => {
        const [, verb, kind = '', rest = ''] = /^oc (patch|scale|delete) (\w+) -n \S+ (.*)$/.exec(one) ?? [];
        return verb
          ? [
              `${verb === 'delete' ? 'DELETE' : 'PATCH'} ${kinds[kind as keyof typeof kinds]} ${rest.split(' ')[0]?.replace('NAME', 'workers')}`,
            ]
          : [];
      });
    const written = api.writes.map((one) => one.replace(/ \S+ (\w+) \S+\/(\S+)$/, ' $1 $2'));
    // Notes in an annotation of the cluster, and the helper that is made, stand in no command of these forms.
    expect(written.filter((one) => !/^APPLY|HostedCluster/.test(one))).toEqual(
      changed.filter((one) => !one.includes('HostedCluster')),
    );
    expect(changed.filter((one) => one.includes('HostedCluster'))).toHaveLength(2);
  }, 30_000);

  test('goes on where it was cut off, and keeps the data that was there at first', async () => {
    const { api, hosted, inside, answer, replicas } = await members();
    api.exec = (pod, command, input) =>
      command.includes('restore') ? { exitCode: 1, stderr: 'no space left on device' } : answer(pod, command, input);
    const first = await hosted(['restore-etcd', 'kitchen', 'backup', '-y']);
    expect([first.exitCode, codeOf(first)]).toEqual([3, 'POD_COMMAND_FAILED']);
    expect(replicas()).toEqual({ 'control-plane-operator': 0, 'kube-apiserver': 0, 'openshift-apiserver': 0 });
    const moved = inside.filter((one) => one.includes('mv /var/lib/data'));
    let received = Buffer.alloc(0);
    api.exec = (pod, command, input = Buffer.alloc(0)) => {
      received = Buffer.concat([received, input]);
      return command[0] === 'sha256sum'
        ? { stdout: `${createHash('sha256').update(received).digest('hex')}  x\n` }
        : answer(pod, command, input);
    };
    const second = await hosted(['restore-etcd', 'kitchen', 'backup', '-y']);
    expect(second).toMatchObject({ exitCode: 0, outcome: { result: { state: 'restored' } } });
    // The same name for the old data: what the first run began is dropped instead of it.
    expect(inside.filter((one) => one.includes('mv /var/lib/data'))).toEqual([...moved, ...moved]);
    expect(replicas()).toEqual(writers);
    expect(fieldAt(api.find('apps/v1', 'StatefulSet', space, 'etcd'), 'spec.replicas')).toBe(3);
  }, 30_000);

  test('asks on a terminal, and does nothing after a no', async () => {
    const { api, hosted, inside } = await members();
    const ending = await hosted(['restore-etcd', 'kitchen', 'backup'], { answers: [false] });
    expect([ending.exitCode, codeOf(ending)]).toEqual([1, 'DECLINED']);
    expect((await hosted(['restore-etcd', 'kitchen', 'backup', '--dry-run', '-y'])).outcome?.text).toContain(
      'nothing was done',
    );
    expect([api.writes, inside]).toEqual([[], []]);
  }, 30_000);

  test('does not start etcd on a snapshot that arrived damaged', async () => {
    const { api, hosted, answer } = await members();
    api.exec = (pod, command, input) =>
      command[0] === 'sha256sum' ? { stdout: 'ab  x\n' } : answer(pod, command, input);
    const ending = await hosted(['restore-etcd', 'kitchen', 'backup', '-y']);
    expect([ending.exitCode, codeOf(ending)]).toEqual([1, 'ETCD_BACKUP_DAMAGED']);
    expect(fieldAt(api.find('apps/v1', 'StatefulSet', space, 'etcd'), 'spec.replicas')).toBe(0);
  }, 30_000);

  test('rehearses a new cluster from a URL', async () => {
    const { hosted } = await taken();
    const ending = await hosted(['restore-etcd', 'kitchen', 'backup', '--url', 'https://store.example.com/kitchen.db']);
    expect(ending).toMatchObject({ exitCode: 0, outcome: { result: { way: 'recreate' } } });
    expect(ending.outcome?.text).toContain('restoreSnapshotURL: "https://store.example.com/kitchen.db"');
  }, 30_000);

  test('says no when the key is another one, and when the snapshot was damaged', async () => {
    const { cwd, api, hosted } = await taken();
    api.put({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'kitchen-etcd-encryption-key', namespace: 'clusters' },
      data: { key: Buffer.alloc(32, 8).toString('base64') },
    });
    const other = await hosted(['restore-etcd', 'kitchen', 'backup']);
    expect(other).toMatchObject({ exitCode: 1, outcome: { result: { findings: [{ code: 'RESTORE_REFUSED' }] } } });
    const damaged = Buffer.from(snapshot);
    damaged[100] = 0;
    await writeFile(path.join(cwd, 'backup/snapshot.db'), damaged);
    const ending = await hosted(['restore-etcd', 'kitchen', 'backup']);
    expect([ending.exitCode, codeOf(ending)]).toEqual([1, 'ETCD_BACKUP_DAMAGED']);
  }, 30_000);
});

describe('airlock hosted delete', () => {
  test('shows the steps with --dry-run, and deletes nothing', async () => {
    const { api, hosted } = await bench();
    const ending = await hosted(['delete', 'kitchen', '--dry-run']);
    expect(ending.outcome?.text).toContain('1. scale NodePool clusters/workers to 0');
    expect(api.writes).toEqual([]);
  });

  test('asks before each step, waits until the hosts are free, and goes on where it was stopped', async () => {
    const { api, hosted, cluster } = await bench();
    const free = (event: { readonly state?: string; readonly message?: string }): void => {
      if (event.state !== 'active' || event.message !== '2 nodes left') return;
      const pool = api.find(apiVersion, 'NodePool', 'clusters', 'workers');
      api.put({
        apiVersion,
        kind: 'NodePool',
        metadata: { name: 'workers', namespace: 'clusters' },
        spec: pool?.['spec'],
        status: { replicas: 0 },
      });
    };
    const declined = await hosted(['delete', 'kitchen'], { answers: [true, false], onEvent: free });
    expect([declined.exitCode, codeOf(declined)]).toEqual([1, 'DECLINED']);
    expect(declined.asked).toHaveLength(2);
    expect(cluster()).toBeDefined();
    const ending = await hosted(['delete', 'kitchen'], { answers: [true, true] });
    expect([ending.exitCode, ending.asked.length]).toEqual([0, 2]);
    expect(api.writes).toEqual([
      `PATCH ${apiVersion} NodePool clusters/workers`,
      `DELETE ${apiVersion} NodePool clusters/workers`,
      `DELETE ${apiVersion} HostedCluster clusters/kitchen`,
    ]);
    expect(api.find('v1', 'Secret', 'clusters', 'kitchen-etcd-encryption-key')).toBeDefined();
  });

  test('deletes no pool while an Agent is bound or on its way back, tells which, and waits for it again', async () => {
    const { api, hosted } = await bench();
    const agent = (name: string, cluster: string | undefined, reason: string, status = 'False'): void =>
      api.put({
        apiVersion: 'agent-install.openshift.io/v1beta1',
        kind: 'Agent',
        metadata: { name, namespace: 'kitchen-hosts' },
        spec: {
          hostname: `host-${name}`,
          ...(cluster === undefined ? {} : { clusterDeploymentName: { name: 'kitchen-x', namespace: cluster } }),
        },
        status: { conditions: [{ type: 'Bound', status, reason, message: '' }] },
      });
    const pool = (replicas: number): void =>
      api.put({
        apiVersion,
        kind: 'NodePool',
        metadata: { name: 'workers', namespace: 'clusters' },
        spec: { clusterName: 'kitchen', replicas },
        status: { version: '4.20.1', replicas },
      });
    pool(0);
    agent('a', space, 'Bound', 'True');
    // Of another cluster that shares the namespace.
    agent('b', 'clusters-cellar', 'Bound', 'True');
    const planned = await hosted(['delete', 'kitchen', '--dry-run']);
    expect(planned.outcome?.text).toContain('1. wait until no Agent is bound to kitchen any more');
    const stuck = await hosted(['delete', 'kitchen', '-y', '--timeout', '1']);
    expect([stuck.exitCode, String(stuck.error)]).toEqual([
      3,
      expect.stringContaining('1 Agent is not free yet: host-a is Bound'),
    ]);
    agent('a', undefined, 'UnbindingPendingUserAction');
    const byHand = await hosted(['delete', 'kitchen', '-y', '--timeout', '1']);
    expect(String(byHand.error)).toContain('boot its discovery image');
    expect(api.writes).toEqual([]);
    const said: string[] = [];
    const onEvent = (event: { readonly state?: string; readonly message?: string }): void => {
      if (event.state !== 'active') return;
      said.push(String(event.message));
      agent('a', undefined, 'Unbound');
    };
    const ending = await hosted(['delete', 'kitchen'], { answers: [true, true], onEvent });
    expect([ending.exitCode, ending.asked.length, said.length]).toEqual([0, 2, 1]);
    expect(api.writes).toEqual([
      `DELETE ${apiVersion} NodePool clusters/workers`,
      `DELETE ${apiVersion} HostedCluster clusters/kitchen`,
    ]);
  });

  test('ends with 3 when the hosts do not become free, and deletes nothing', async () => {
    const { api, hosted } = await bench();
    const ending = await hosted(['delete', 'kitchen', '-y', '--timeout', '1']);
    expect([ending.exitCode, codeOf(ending)]).toEqual([3, 'GATE_TIMEOUT']);
    expect(api.writes).toEqual([`PATCH ${apiVersion} NodePool clusters/workers`]);
  });

  test('refuses while the cluster is paused', async () => {
    const { hosted } = await bench();
    expect((await hosted(['pause', 'kitchen'])).exitCode).toBe(0);
    const ending = await hosted(['delete', 'kitchen', '-y']);
    expect([ending.exitCode, codeOf(ending)]).toEqual([1, 'HOSTED_REFUSED']);
  });
});

describe('airlock hosted', () => {
  test('shows status, scales after a yes, and refuses a cluster that the site does not have', async () => {
    const { api, hosted } = await bench();
    expect((await hosted(['status', 'kitchen'])).outcome?.text).toContain('clusters/kitchen: 4.20.1, Completed');
    const without = await hosted(['scale', 'kitchen', 'workers', '3']);
    expect([without.exitCode, codeOf(without)]).toEqual([2, 'USAGE']);
    expect((await hosted(['scale', 'kitchen', 'workers', '3'], { answers: [true] })).exitCode).toBe(0);
    expect(api.find(apiVersion, 'NodePool', 'clusters', 'workers')?.['spec']).toMatchObject({ replicas: 3 });
    expect((await hosted(['status', 'cellar'])).exitCode).toBe(2);
  });

  test('refuses an upgrade to a release that is not at the mirror', async () => {
    const { api, hosted } = await bench();
    const ending = await hosted(['upgrade', 'kitchen', '4.20.9', '-y']);
    expect(ending).toMatchObject({ exitCode: 1, outcome: { result: { findings: [{ code: 'UPGRADE_REFUSED' }] } } });
    expect(api.writes).toEqual([]);
  });
});
