import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';

/** A TCP port of the loopback interface that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Process ids of the registries that run. */
const running = new Set<number>();
let endedSeconds = 0;

/** CPU time of all registries that this process has started, in seconds, to a hundredth. */
export function registryCpuSeconds(): number {
  return [...running].reduce((sum, pid) => sum + cpuSeconds(pid), endedSeconds);
}

function cpuSeconds(pid: number): number {
  // proc(5): fields 14 and 15, the eleventh and twelfth behind the name, in ticks of which Linux shows 100 a second.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Serves a storage folder with the docker-registry of this machine; its configuration is written into `work`. */
export async function startRegistry(folder: string, work: string): Promise<{ readonly host: string; stop(): void }> {
  const port = await freePort();
  const config = path.join(work, `registry-${port}.yml`);
  await writeFile(
    config,
    `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${folder}, maxthreads: 100}, delete: {enabled: true}, cache: {blobdescriptor: inmemory}}\nhttp: {addr: "127.0.0.1:${port}"}\n`,
  );
  const child = spawn('docker-registry', ['serve', config], {
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' },
  });
  const pid = child.pid ?? 0;
  running.add(pid);
  const stop = (): void => {
    if (running.has(pid)) endedSeconds += cpuSeconds(pid);
    running.delete(pid);
    child.kill();
  };
  for (let attempt = 0; attempt < 200; attempt += 1) {
    try {
      await fetch(`http://127.0.0.1:${port}/v2/`);
      return { host: `127.0.0.1:${port}`, stop };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error('docker-registry did not start');
}
