import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const containersConf = `[containers]
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
log_driver = "k8s-file"

[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/** Podman's API on a socket of its own, with storage of its own. */
export interface PodmanService {
  readonly socket: string;
  podman(...args: string[]): Promise<string>;
  close(): Promise<void>;
}

// One user ID is all that is mapped without newuidmap: the files of an image cannot belong to others.
const rootlessStorage = (folder: string): string => `[storage]
driver = "vfs"
graphroot = "${folder}/store"
runroot = "${folder}/run"

[storage.options]
ignore_chown_errors = "true"
`;

/**
 * Starts `podman system service` in a fresh folder; nothing of the host's own Podman is touched. `via` is a command that runs another one, to
 * start it in a network namespace or, with `userId`, as an ordinary user: rootless.
 */
export async function startPodman(via: readonly string[] = [], userId?: number): Promise<PodmanService> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'airlock-podman-'));
  await mkdir(path.join(folder, 'tmp'));
  if (userId !== undefined) for (const at of [folder, path.join(folder, 'tmp')]) await chown(at, userId, userId);
  await writeFile(path.join(folder, 'storage.conf'), rootlessStorage(folder));
  await writeFile(path.join(folder, 'containers.conf'), containersConf);
  const env = {
    ...process.env,
    CONTAINERS_CONF: path.join(folder, 'containers.conf'),
    TMPDIR: path.join(folder, 'tmp'),
    ...(userId === undefined
      ? {}
      : { CONTAINERS_STORAGE_CONF: path.join(folder, 'storage.conf'), XDG_RUNTIME_DIR: folder, HOME: folder }),
  };
  const global = ['--root', 'store', '--runroot', 'run', '--network-config-dir', 'net'].map((word) =>
    word.startsWith('--') ? word : path.join(folder, word),
  );
  const socket = path.join(folder, 'podman.sock');
  const [program = 'podman', ...before] = [...via, 'podman', ...global];
  const service = spawn(program, [...before, 'system', 'service', '--time', '0', `unix://${socket}`], {
    env,
    stdio: 'ignore',
  });
  for (let tries = 0; !existsSync(socket); tries += 1) {
    if (tries > 100 || service.exitCode !== null) throw new Error('podman system service did not come up');
    await sleep(100);
  }
  const podman = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(program, [...before, ...args], { env })).stdout;
  return {
    socket,
    podman,
    async close() {
      await podman('rm', '-af', '-t', '0').catch(() => {});
      await stop(service);
      await podman('system', 'prune', '-af').catch(() => {});
      // Overlay mounts of the store would keep the folder busy.
      await podman('umount', '-af').catch(() => {});
      // What holds the user namespace of a rootless Podman open.
      const pause = await readFile(path.join(folder, 'libpod/tmp/pause.pid'), 'utf8').catch(() => '');
      if (pause !== '') process.kill(Number(pause), 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function stop(service: ChildProcess): Promise<void> {
  const ended = new Promise<void>((resolve) => service.once('exit', () => resolve()));
  service.kill('SIGTERM');
  await Promise.race([ended, sleep(5000, undefined, { ref: false })]);
  service.kill('SIGKILL');
}
