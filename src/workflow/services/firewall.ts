import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { AirlockError, isAirlockError } from '../../core/errors.ts';
import { findFile, writeFileAtomic } from '../../core/files.ts';
import { findIpFamily, parseIp } from '../../core/ip.ts';
import { prettyJson } from '../../core/json.ts';
import type { Run } from '../../core/run.ts';
import { runCommand } from '../../core/run-command.ts';

/** A port as firewalld writes it: `5000/tcp`. */
export type FirewallPort = `${number}/${'tcp' | 'udp'}`;

/** What was done about the host's firewall. */
export interface FirewallResult {
  /** `none`: firewalld does not run here. `forbidden`: it does, and this user gets no answer of it. */
  readonly state: 'none' | 'forbidden' | 'opened' | 'unchanged';
  readonly ports: readonly FirewallPort[];
  /** The same as commands, for another firewall or another host. */
  readonly commands: readonly string[];
}

/** What was closed before in one zone, now and at the next boot. */
interface OpenedZone {
  readonly zone: string;
  readonly runtime: readonly FirewallPort[];
  readonly permanent: readonly FirewallPort[];
}

/** The commands that open ports, now and at the next boot. */
export function firewallCommands(ports: readonly FirewallPort[]): string[] {
  const flags = ports.map((port) => `--add-port=${port}`).join(' ');
  return [`firewall-cmd ${flags}`, `firewall-cmd --permanent ${flags}`];
}

/**
 * Opens ports in firewalld where it runs, at run time and permanently, in each zone that holds an interface with one of `addresses` (the default
 * zone where none does). Those that were open before are left out of the record that `closeFirewall` goes by.
 * @throws AirlockError COMMAND_FAILED
 */
export async function openFirewall(
  ports: readonly FirewallPort[],
  addresses: readonly string[],
  stateFolder: string,
  run: Run,
): Promise<FirewallResult> {
  const commands = firewallCommands(ports);
  const state = await firewallState(run);
  if (state !== 'running') return { state, ports, commands };
  const opened = await readOpened(stateFolder, run);
  let changed = false;
  for (const zone of await zonesOf(addresses, run)) {
    const runtime = missing(ports, await openPorts(zone, [], run));
    const permanent = missing(ports, await openPorts(zone, ['--permanent'], run));
    if (runtime.length + permanent.length === 0) continue;
    changed = true;
    // On disk before it is done: a crash between the two must not leave a port open that nobody closes.
    opened.push({ zone, runtime, permanent });
    await writeFileAtomic(recordFile(stateFolder), prettyJson(opened), run);
    await change('add', { zone, runtime, permanent }, run);
  }
  return { state: changed ? 'opened' : 'unchanged', ports, commands };
}

/** Closes what `openFirewall` opened; returns those ports. */
export async function closeFirewall(stateFolder: string, run: Run): Promise<readonly FirewallPort[]> {
  const opened = await readOpened(stateFolder, run);
  if (opened.length === 0 || (await firewallState(run)) !== 'running') return [];
  for (const zone of opened) await change('remove', zone, run);
  await run.disk.remove(recordFile(stateFolder));
  return [...new Set(opened.flatMap(({ runtime, permanent }) => [...runtime, ...permanent]))];
}

function recordFile(stateFolder: string): string {
  return path.join(stateFolder, 'firewall.json');
}

/** A record that cannot be made sense of is none: it must not keep services from being started or stopped. */
async function readOpened(stateFolder: string, run: Run): Promise<OpenedZone[]> {
  const bytes = await findFile(recordFile(stateFolder), run);
  try {
    const record: unknown = bytes ? JSON.parse(bytes.toString()) : [];
    return Array.isArray(record) ? record.filter(isOpenedZone) : [];
  } catch {
    return [];
  }
}

function isOpenedZone(value: unknown): value is OpenedZone {
  const zone = value as Partial<OpenedZone> | null;
  return typeof zone?.zone === 'string' && Array.isArray(zone.runtime) && Array.isArray(zone.permanent);
}

/** @see firewall-cmd(1): 252 it does not run, 253 not authorized, 254 unknown: it runs, and its answer was kept back (SELinux on the bus) */
async function firewallState(run: Run): Promise<'running' | 'forbidden' | 'none'> {
  try {
    const { exitCode } = await runCommand('firewall-cmd', ['--state'], {}, run);
    return exitCode === 0 ? 'running' : exitCode === 253 || exitCode === 254 ? 'forbidden' : 'none';
  } catch (error) {
    if (isAirlockError(error, 'COMMAND_NOT_FOUND', 'COMMAND_FAILED')) return 'none';
    throw error;
  }
}

/** The zones of the interfaces that have one of the addresses; one that no zone names is in the default zone. */
async function zonesOf(addresses: readonly string[], run: Run): Promise<string[]> {
  const wanted = new Set(addresses.map((address) => parseIp(address).text));
  const interfaces = Object.entries(networkInterfaces()).filter(([, own]) =>
    own?.some(({ address }) => findIpFamily(address) !== undefined && wanted.has(parseIp(address).text)),
  );
  const fallback = (await call(['--get-default-zone'], run)).trim();
  const zones = parseActiveZones(await call(['--get-active-zones'], run));
  const found = interfaces.map(([name]) => zones.find((zone) => zone.interfaces.includes(name))?.name ?? fallback);
  return found.length === 0 ? [fallback] : [...new Set(found)];
}

/** Zones in lines of their own, `public` or `public (default)`, with indented lines `interfaces: eth0 eth1` below. */
function parseActiveZones(text: string): { readonly name: string; readonly interfaces: readonly string[] }[] {
  const zones: { name: string; interfaces: readonly string[] }[] = [];
  for (const line of text.split('\n')) {
    const name = /^\S+/.exec(line)?.[0];
    if (name) zones.push({ name, interfaces: [] });
    const list = /^\s+interfaces:(.*)$/.exec(line)?.[1];
    const zone = zones.at(-1);
    if (list && zone) zone.interfaces = list.split(' ').filter(Boolean);
  }
  return zones;
}

/** What `--list-ports` gives: `53/udp 8000-8100/tcp`. */
async function openPorts(zone: string, flags: readonly string[], run: Run): Promise<string[]> {
  return (await call([...flags, `--zone=${zone}`, '--list-ports'], run)).split(/\s+/).filter(Boolean);
}

function missing(ports: readonly FirewallPort[], open: readonly string[]): FirewallPort[] {
  const ranges = open.map((text) => /^(\d+)(?:-(\d+))?\/(\w+)$/.exec(text)).filter((one) => one !== null);
  return ports.filter((port) => {
    const [number = '', protocol] = port.split('/');
    return !ranges.some(
      ([, from, to = from, of]) => of === protocol && Number(from) <= Number(number) && Number(number) <= Number(to),
    );
  });
}

/** One call each for now and for the next boot, whatever the number of ports: each call starts a Python interpreter. */
async function change(what: 'add' | 'remove', { zone, runtime, permanent }: OpenedZone, run: Run): Promise<void> {
  const flags = (ports: readonly FirewallPort[]): string[] => ports.map((port) => `--${what}-port=${port}`);
  if (runtime.length > 0) await call([`--zone=${zone}`, ...flags(runtime)], run);
  if (permanent.length > 0) await call(['--permanent', `--zone=${zone}`, ...flags(permanent)], run);
}

async function call(args: readonly string[], run: Run): Promise<string> {
  const result = await runCommand('firewall-cmd', args, {}, run);
  if (result.exitCode === 0) return result.stdout;
  throw new AirlockError('COMMAND_FAILED', `${result.command} failed: ${result.stderr.trim() || result.exitCode}`, {
    hint: 'run this as root, or open the port by hand: airlock up --print-firewall shows the commands',
  });
}
