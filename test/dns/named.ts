import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { quietRun } from '../../src/core/run.ts';
import {
  type DnsAddress,
  lookup,
  renderBindZone,
  renderNamedConf,
  type Zone,
  zoneFileName,
} from '../../src/dns/index.ts';
import { findProgram } from '../helpers/real.ts';

/** A real name server on loopback. */
export interface RealServer {
  readonly addresses: readonly DnsAddress[];
  readonly folder: string;
  stop(): Promise<void>;
}

/** Writes zone files and a named.conf for loopback into a fresh folder. */
export function writeNamedFolder(zones: readonly Zone[], port: number, edit = (text: string): string => text): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'airlock-named-'));
  for (const zone of zones) writeFileSync(path.join(folder, zoneFileName(zone.name)), renderBindZone(zone));
  const listen = ['127.0.0.1', '::1'].map((address) => ({ address, port }));
  const text = renderNamedConf(zones, { directory: folder, runDirectory: folder, listen });
  writeFileSync(path.join(folder, 'named.conf'), edit(`${text}\ncontrols { };\n`));
  return folder;
}

/** Starts BIND with the rendered files; `edit` changes named.conf before. */
export async function startNamed(zones: readonly Zone[], edit?: (text: string) => string): Promise<RealServer> {
  const port = await freePort();
  const folder = writeNamedFolder(zones, port, edit);
  const log = path.join(folder, 'log');
  return startProgram(
    'named',
    ['-f', '-n', '1', '-L', log, '-c', path.join(folder, 'named.conf')],
    folder,
    port,
    zones,
  );
}

/** Starts dnsmasq with a rendered configuration. */
export async function startDnsmasq(
  render: (listen: DnsAddress[]) => string,
  zones: readonly Zone[],
): Promise<RealServer> {
  const port = await freePort();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'airlock-dnsmasq-'));
  const text = render(['127.0.0.1', '::1'].map((address) => ({ address, port })));
  writeFileSync(path.join(folder, 'dnsmasq.conf'), text);
  const user = os.userInfo().username;
  const flags = [
    '-k',
    '-C',
    path.join(folder, 'dnsmasq.conf'),
    `--user=${user}`,
    `--pid-file=${folder}/pid`,
    '--log-facility=-',
  ];
  return startProgram('dnsmasq', flags, folder, port, zones);
}

async function startProgram(
  name: string,
  flags: string[],
  folder: string,
  port: number,
  zones: readonly Zone[],
): Promise<RealServer> {
  const child = spawn(findProgram(name) ?? name, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const stop = async (): Promise<void> => {
    await ended(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const addresses = ['127.0.0.1', '::1'].map((address) => ({ address, port }));
  const apex = zones[0]?.name ?? 'lab.example.com';
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (child.exitCode !== null) break;
    try {
      for (const server of addresses) await lookup({ server, name: apex, type: 'SOA', timeoutMs: 200 }, quietRun());
      return { addresses, folder, stop };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  const log = name === 'named' ? readFileSync(path.join(folder, 'log'), 'utf8') : '';
  await stop();
  throw new Error(`${name} did not start: ${said}${log}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await exit;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
