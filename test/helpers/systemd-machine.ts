import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findProgram } from './real.ts';

/** What a machine needs of the host. */
export const machinePrograms = ['systemctl', 'unshare', 'nsenter', 'mount', 'pivot_root', 'setsid', 'ip'] as const;

/**
 * The host's own programs under a systemd of their own: it is process 1 of new namespaces (processes, mounts, network, cgroups, names, IPC) whose
 * root is an overlay over the host's. What it writes lies in memory and is gone with `close`; a reboot keeps it.
 */
export interface SystemdMachine {
  /** Runs a command in it as root. */
  readonly via: readonly string[];
  /** The machine's file at an absolute path, as this process reaches it. */
  at(file: string): string;
  /** Runs a command in it and gives its output. */
  run(program: string, ...args: string[]): Promise<string>;
  /** Ends it as `poweroff` does, and starts it again. */
  reboot(): Promise<void>;
  close(): Promise<void>;
}

const root = path.resolve(import.meta.dirname, '../..');

/**
 * Holds the memory for what the machine writes over its reboots, and a cgroup of the second version, which systemd takes for its own. Folders
 * that are file systems of their own are not part of an overlay, so that the checkout is laid over it.
 */
const keeper = `set -e
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/cgroup /mnt/up /mnt/work /mnt/root /mnt/containers
mount -t cgroup2 none /mnt/cgroup
mkdir "/mnt/cgroup/$1"
echo ready
cat >/dev/null || true
for second in 1 2 3 4 5; do
  find "/mnt/cgroup/$1" -depth -type d -exec rmdir {} + 2>/dev/null && break
  sleep 1
done`;

const boot = `set -e
echo $$ >"/mnt/cgroup/$1/cgroup.procs"
exec setsid unshare --mount --propagation private --pid --fork --kill-child --uts --ipc --net --cgroup sh -c '
set -e
root=/mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work $root
mkdir -p "$root$1" $root/var/lib/containers $root/mnt
if [ ! -e /mnt/made ]; then
  rm -f $root/etc/systemd/system/*.target.wants/* $root/etc/systemd/system/*.socket.wants/*
  (cd $root && eval "$2")
  : >/mnt/made
fi
mount --bind "$1" "$root$1"
mount --bind /mnt/containers $root/var/lib/containers
mount -t proc proc $root/proc
mount -t sysfs sysfs $root/sys
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs $root/dev
for name in null zero full random urandom tty; do : >$root/dev/$name; mount --bind /dev/$name $root/dev/$name; done
mkdir $root/dev/pts $root/dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts $root/dev/pts
ln -s pts/ptmx $root/dev/ptmx
ln -s /proc/self/fd $root/dev/fd
mount -t tmpfs tmpfs $root/dev/shm
mount -t tmpfs -o mode=755 tmpfs $root/run
mount -t tmpfs -o mode=1777 tmpfs $root/tmp
ip link set lo up
hostname bastion
cd $root
pivot_root . mnt
umount -l /mnt
mount --make-rshared /
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=null --show-status=0
' sh "$2" "$3"`;

/** What a machine lacks here, in a word; undefined when it lacks nothing. */
export function whyNoMachine(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = machinePrograms.filter((name) => findProgram(name) === undefined);
  if (!existsSync('/lib/systemd/systemd')) missing.push('systemctl');
  return missing.length > 0 ? `install ${[...new Set(missing)].join(', ')}` : undefined;
}

/**
 * Why there can be no machine here whatever is installed; undefined when there can. Containers of a build farm often let nobody mount or make
 * namespaces; and below folders that a machine has of its own the checkout cannot be seen (in /tmp it would be cleared away when it starts).
 */
export async function whyNoMachineEver(): Promise<string | undefined> {
  const own = ['/tmp', '/run', '/dev', '/mnt'].find((folder) => root.startsWith(`${folder}/`));
  if (own !== undefined) return `the checkout lies below ${own}, of which the machine has its own`;
  const attempt = 'mount -t tmpfs tmpfs /mnt && mkdir /mnt/a && mount -t cgroup2 none /mnt/a';
  const unshare = ['--mount', '--propagation', 'private', '--pid', '--fork', '--net', '--cgroup'];
  return promisify(execFile)('unshare', [...unshare, 'sh', '-c', attempt]).then(
    () => undefined,
    () => 'mounts and namespaces are not allowed here',
  );
}

/**
 * Starts a machine. None of the servers that the host has installed is started in it. `prepare` is a shell script that runs once before systemd
 * does, in the root folder of the machine as seen from outside: paths in it are relative.
 */
export async function startMachine(prepare = ''): Promise<SystemdMachine> {
  const name = `airlock-test-${process.pid}`;
  const keeping = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', keeper, 'sh', name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    keeping.stdout.once('data', () => resolve());
    keeping.once('exit', () => reject(new Error('the memory of the machine could not be mounted')));
  });
  const enter = ['nsenter', '-t', String(keeping.pid), '-m'];
  let running = await startSystemd(enter, name, prepare);
  const machine: SystemdMachine = {
    // Read at each use: another process is process 1 after a reboot.
    get via() {
      return ['nsenter', '-t', String(running.pid), '-m', '-p', '-u', '-i', '-n', '-C', 'env', '-C', '/'];
    },
    at: (file) => path.join(`/proc/${running.pid}/root`, file),
    async run(program, ...args) {
      const [first = '', ...rest] = machine.via;
      return (await promisify(execFile)(first, [...rest, program, ...args])).stdout;
    },
    async reboot() {
      await machine.run('systemctl', 'poweroff').catch(() => {});
      await stop(running.process, 20_000);
      running = await startSystemd(enter, name, prepare);
    },
    async close() {
      await stop(running.process, 0);
      keeping.stdin.end();
      await stop(keeping, 5000);
    },
  };
  return machine;
}

async function startSystemd(enter: readonly string[], name: string, prepare: string) {
  const [program = '', ...args] = enter;
  const child = spawn(program, [...args, 'sh', '-c', boot, 'sh', name, root, prepare], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (let tries = 0; tries < 300; tries += 1) {
    await sleep(100);
    if (child.exitCode !== null) throw new Error(`systemd ended with ${child.exitCode}`);
    const pid = await findInit(child.pid ?? 0);
    if (pid === undefined) continue;
    const state = ['-t', String(pid), '-m', '-p', '-n', '-C', 'systemctl', 'is-system-running'];
    const said = await promisify(execFile)('nsenter', state).then(
      (done) => done.stdout,
      (error: { stdout?: string }) => error.stdout ?? '',
    );
    if (/^(running|degraded)/.test(said)) return { process: child, pid };
  }
  await stop(child, 0);
  throw new Error('systemd did not come up');
}

/** The systemd below a process; undefined while it is not there yet. */
async function findInit(parent: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8').catch(() => '');
  for (const word of children.split(' ').filter(Boolean)) {
    const pid = Number(word);
    const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    return command.trim() === 'systemd' ? pid : findInit(pid);
  }
  return undefined;
}

async function stop(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await Promise.race([ended, sleep(graceMs, undefined, { ref: false })]);
  // The unshare below it has --kill-child: its end is the end of process 1, and with it of everything in the machine.
  if (child.exitCode === null) child.kill('SIGKILL');
  await ended;
}
