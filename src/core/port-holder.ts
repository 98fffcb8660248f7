import { readdir, readFile, readlink } from 'node:fs/promises';

/**
 * Who listens on a port of this host, as `nginx (process 4711)`; undefined where that cannot be told: a process of another user (unless asked
 * by root), another network namespace's, or a system without `/proc`.
 */
export async function findPortHolder(port: number): Promise<string | undefined> {
  const wanted = await listeningSockets(port);
  if (wanted.size === 0) return undefined;
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of processes) {
    if (!(await holdsOneOf(pid, wanted))) continue;
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    return `${name.trim() || 'a program'} (process ${pid})`;
  }
  return undefined;
}

/** A sentence's end for the message about a port that is taken; empty where nobody can be named. */
export async function portHolderNote(port: number): Promise<string> {
  const holder = await findPortHolder(port);
  return holder === undefined ? '' : `; ${holder} has the port`;
}

// Columns of /proc/net/tcp: number, local address:port in hexadecimal, remote one, state, …, the socket's inode in the tenth.
// 0A is a listening TCP socket, 07 a bound UDP socket.
async function listeningSockets(port: number): Promise<ReadonlySet<string>> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = ['tcp', 'tcp6', 'udp', 'udp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => ''));
  const sockets = new Set<string>();
  for (const line of (await Promise.all(tables)).flatMap((table) => table.split('\n').slice(1))) {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    if (local.endsWith(`:${hexPort}`) && (state === '0A' || state === '07')) sockets.add(`socket:[${inode}]`);
  }
  return sockets;
}

async function holdsOneOf(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const descriptors = await readdir(folder).catch(() => []);
  const links = await Promise.all(descriptors.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
  return links.some((link) => sockets.has(link));
}
