import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Addresses of the bench: a network for documentation and a ULA of its own, apart from everything that the machine may have. */
export const benchAddresses = {
  bastion: { v4: '198.51.100.1', v6: 'fd77:fea5:0:1::1' },
  node: { v4: '198.51.100.11', v6: 'fd77:fea5:0:1::11' },
  networks: ['198.51.100.0/24', 'fd77:fea5:0:1::/64'],
} as const;

/** A bastion and a node on one switch, each a network namespace without any route out. */
export interface NetworkBench {
  /** Runs a command on the bastion: only the network differs. */
  readonly bastion: readonly string[];
  /**
   * Runs a command on the node, with the bastion as its only resolver and files of the test's own laid over the machine's: target → source.
   * Nothing outside of the command sees them.
   */
  node(over?: Readonly<Record<string, string>>): readonly string[];
  close(): Promise<void>;
}

/** Makes the bench, needs root. `families` says which addresses its hosts have; `folder` gets a resolv.conf. */
export async function openNetworkBench(folder: string, families: readonly (4 | 6)[]): Promise<NetworkBench> {
  const prefix = `al${process.pid}`;
  const names = { switch: `${prefix}-sw`, bastion: `${prefix}-b`, node: `${prefix}-n` };
  const close = async (): Promise<void> => {
    for (const name of Object.values(names)) await execute('ip', ['netns', 'del', name]).catch(() => {});
  };
  try {
    await makeSwitch(names.switch);
    await addHost(names.switch, names.bastion, benchAddresses.bastion, families);
    await addHost(names.switch, names.node, benchAddresses.node, families);
  } catch (error) {
    await close();
    throw error;
  }
  const servers = families.map((family) => benchAddresses.bastion[family === 4 ? 'v4' : 'v6']);
  const resolver = path.join(folder, 'resolv.conf');
  await writeFile(resolver, `${servers.map((server) => `nameserver ${server}`).join('\n')}\noptions timeout:2\n`);
  // `ip netns exec` would mount /sys anew and lose the cgroups that containers need.
  const enter = (name: string): string[] => ['nsenter', `--net=/run/netns/${name}`];
  return {
    bastion: enter(names.bastion),
    node(over = {}) {
      const mounts = Object.entries({ '/etc/resolv.conf': resolver, ...over });
      const script = [...mounts.map(([target, source]) => `mount --bind '${source}' '${target}'`), 'exec "$@"'].join(
        ' && ',
      );
      return [...enter(names.node), 'unshare', '-m', '--propagation', 'private', 'sh', '-c', script, 'sh'];
    },
    close,
  };
}

async function makeSwitch(name: string): Promise<void> {
  await execute('ip', ['netns', 'add', name]);
  await execute('ip', ['-n', name, 'link', 'add', 'br0', 'type', 'bridge', 'forward_delay', '0', 'stp_state', '0']);
  await execute('ip', ['-n', name, 'link', 'set', 'br0', 'up']);
}

async function addHost(
  onSwitch: string,
  name: string,
  addresses: { readonly v4: string; readonly v6: string },
  families: readonly (4 | 6)[],
): Promise<void> {
  const ip = (...args: string[]) => execute('ip', ['-n', name, ...args]);
  const port = name.slice(-1);
  await execute('ip', ['netns', 'add', name]);
  const settings = ['all.accept_dad=0', 'default.accept_dad=0', 'default.accept_ra=0'];
  await execute('ip', ['netns', 'exec', name, 'sysctl', '-qw', ...settings.map((one) => `net.ipv6.conf.${one}`)]);
  await ip('link', 'set', 'lo', 'up');
  if (!families.includes(4)) await ip('addr', 'del', '127.0.0.1/8', 'dev', 'lo');
  const pair = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', name];
  await execute('ip', ['link', 'add', `port-${port}`, 'netns', onSwitch, ...pair]);
  await execute('ip', ['-n', onSwitch, 'link', 'set', `port-${port}`, 'master', 'br0', 'up']);
  await ip('link', 'set', 'eth0', 'up');
  if (families.includes(6)) await ip('-6', 'addr', 'add', `${addresses.v6}/64`, 'dev', 'eth0', 'nodad');
  if (families.includes(4)) await ip('addr', 'add', `${addresses.v4}/24`, 'dev', 'eth0');
}
