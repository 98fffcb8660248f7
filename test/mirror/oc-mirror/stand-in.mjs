#!/usr/bin/env node
/*
 * Stands in for the real oc-mirror: plays back one step of the golden runs. It insists on what the real one insists on, and says what it does
 * not like with exit code 90, which the real one never has. Steered by the environment:
 *
 *   STAND_IN_STEP       folder of the step (cases/<case>/<n>-<step>)
 *   STAND_IN_RECORD     file for what it was given: one JSON line per call
 *   STAND_IN_VERSION    what `version` says instead of the golden text
 *   STAND_IN_ARCHIVE    an archive in place of the step's own
 *   STAND_IN_RELEASES   what a mirror-to-mirror run unpacks of releases: goes into the working-dir
 *   STAND_IN_PORT_BUSY  a file: as long as it exists the port is busy; it is removed then
 *   STAND_IN_LINGER_MS  how long it waits before its end
 *   STAND_IN_TRUNCATE   bytes of the archive that are kept, with an end of their own as Go's writer closes it
 *   STAND_IN_SILENT     whether it says nothing of the images that it copies
 *   STAND_IN_FLIP       offset of a byte of the archive that is changed
 */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import path from 'node:path';

const args = process.argv.slice(2);
const { env } = process;
const step = env.STAND_IN_STEP ?? '';
const cases = path.resolve(step, '../..');

function complain(why) {
  process.stderr.write(`stand-in: ${why}\n`);
  process.exit(90);
}

function play(folder, work, name = 'out') {
  const raw = (name) => (existsSync(path.join(folder, name)) ? readFileSync(path.join(folder, name), 'utf8') : '');
  const alive = (text) =>
    text
      .replaceAll(/<DATE> {2}\[([A-Z]+)\]( +): /g, '2026/11/22 04:27:41 \u001b[1;94m [$1] \u001b[0m$2: ')
      .replaceAll('F<KLOG>', 'F1122 04:27:41.000000       1')
      .replaceAll(`$WORK/${name}`, work)
      .replaceAll('<STAMP>', '20261122_042741')
      .replaceAll('<TIME>', '2026-11-22T04:27:44Z')
      .replaceAll('<DURATION>', '3s');
  process.stderr.write(alive(raw('stderr.log')));
  const said = alive(raw('stdout.log'));
  process.stdout.write(env.STAND_IN_SILENT ? said.replaceAll(/^.*Success copying .*\n/gm, '') : said);
  return Number(raw('exit-code'));
}

const record = { args, umask: process.umask(), cwd: process.cwd(), env: {} };
for (const name of Object.keys(env))
  if (/^(?:REGISTRY|OC|OCP|CONTAINERS|UPDATE)_/.test(name)) record.env[name] = env[name];
if (env.STAND_IN_RECORD) appendFileSync(env.STAND_IN_RECORD, `${JSON.stringify(record)}\n`);

// The embedded registry reads its settings from the environment, and dies of this one.
if ('REGISTRY_AUTH_FILE' in env) process.exit(play(path.join(cases, '17-auth/5-d2m-env'), ''));
if (Object.keys(env).some((name) => name.startsWith('REGISTRY_'))) complain('a REGISTRY_ variable is set');

if (args[0] === 'version') {
  if (env.STAND_IN_VERSION !== undefined) process.stdout.write(env.STAND_IN_VERSION);
  else play(path.join(cases, '15-list/14-version-json'), '');
  process.exit(0);
}

if (!args.includes('--v2')) process.exit(play(path.join(cases, '16-arguments/16-no-version-flag'), ''));
if (process.umask() !== 0o022) complain(`umask is ${process.umask().toString(8)}`);
if (process.stdout.isTTY) complain('standard output is a terminal');
if ('OC_MIRROR_CACHE' in env) complain('OC_MIRROR_CACHE beside --cache-dir');

const help = readFileSync(path.join(cases, '16-arguments/1-no-config/stderr.log'), 'utf8');
const isDelete = args[0] === 'delete';
const rootOnly =
  /^--(?:from|dry-run|since|image-timeout|max-nested|strict|secure|remove-sig|ignore-release|rootless|quiet)/;
const deleteOnly = ['--generate', '--delete-id', '--delete-yaml-file', '--delete-signatures', '--delete-v1-images'];
const known = new Set([
  '--v2',
  '-c',
  '-p',
  ...help.match(/--[a-z0-9.-]+/g).filter((flag) => !isDelete || !rootOnly.test(flag)),
  ...(isDelete ? deleteOnly : []),
]);
const flags = args.filter((one) => one.startsWith('-')).map((one) => one.split('=')[0]);
for (const flag of flags) if (!known.has(flag)) complain(`unknown flag: ${flag}`);

const argumentOf = (flag) => args[args.indexOf(flag) + 1] ?? '';
const golden = readFileSync(path.join(step, 'command'), 'utf8')
  .trim()
  .split(/\s+/)
  .filter((one) => !/^[A-Z_]+=/.test(one))
  .slice(1);
for (const flag of golden.filter((one) => one.startsWith('-')))
  if (!flags.includes(flag.split('=')[0])) complain(`the golden run has ${flag}, this one has not`);
const shape = (list) =>
  list
    .filter((one) => /^(?:file|docker):\/\//.test(one))
    .map((one) => one.split(':')[0])
    .sort()
    .join(' ');
if (shape(golden) !== shape(args)) complain(`another workflow than ${golden.join(' ')}`);
const isc = path.join(step, '..', path.basename(golden[golden.indexOf('-c') + 1]));
if (!readFileSync(isc).equals(readFileSync(argumentOf('-c')))) complain('another configuration than the golden one');

const pathOf = (list) => (list.find((one) => one.startsWith('file://')) ?? '').replace('file://', '');
const targetOf = (list) => list.find((one) => one.startsWith('docker://'));
const folder = pathOf(args);
// `out` or `ws` in the work folder of the golden runs.
const goldenName = path.basename(pathOf(golden));
if (targetOf(args) !== targetOf(golden)) complain(`another target than ${targetOf(golden)}`);
const words =
  'cluster-resources dry-run graph-preparation helm hold-operator hold-release delete logs operator-catalogs release-images signatures';
for (const word of words.split(' '))
  if (!args.includes('--workspace') && folder.includes(word)) complain(`${folder} contains ${word}`);

const port = Number(argumentOf('-p'));
if (env.STAND_IN_PORT_BUSY && existsSync(env.STAND_IN_PORT_BUSY)) {
  unlinkSync(env.STAND_IN_PORT_BUSY);
  process.exit(play(path.join(cases, '16-arguments/20-port-busy'), folder));
}
await new Promise((resolve) => {
  const server = net.createServer().once('error', () => complain(`port ${port} is taken`));
  server.listen(port, () => server.close(resolve));
});

if (isDelete && !existsSync(path.join(folder, 'working-dir'))) complain(`nothing was mirrored in ${folder}`);
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (/^mirror_.*\.tar$/.test(name)) rmSync(path.join(folder, name));
const logs = path.join(folder, 'working-dir/logs');
mkdirSync(logs, { recursive: true });
writeFileSync(path.join(logs, 'oc-mirror-20261122_042741.log'), 'its own log\n');
const history = path.join(folder, 'working-dir/.history');
if (env.STAND_IN_RECORD && existsSync(history)) {
  const files = readdirSync(history).map((name) => readFileSync(path.join(history, name), 'utf8'));
  appendFileSync(env.STAND_IN_RECORD, `${JSON.stringify({ history: files.join('').trim().split('\n') })}\n`);
}

const own = readdirSync(step).find((name) => name.endsWith('.tar'));
const archive = env.STAND_IN_ARCHIVE ?? (own === undefined ? undefined : path.join(step, own));
const files = path.join(step, 'files', goldenName);
if (existsSync(files)) cpSync(files, folder, { recursive: true });
if (env.STAND_IN_RELEASES) cpSync(env.STAND_IN_RELEASES, path.join(folder, 'working-dir'), { recursive: true });
if (archive !== undefined) {
  const cache = path.join(argumentOf('--cache-dir'), '.oc-mirror/.cache');
  mkdirSync(cache, { recursive: true });
  execFileSync('tar', ['xf', archive, '-C', folder, 'working-dir']);
  execFileSync('tar', ['xf', archive, '-C', cache, 'docker']);
  const target = path.join(folder, 'mirror_000001.tar');
  copyFileSync(archive, target);
  execFileSync('chmod', ['-R', 'u+w', folder]);
  if (env.STAND_IN_TRUNCATE) {
    truncateSync(target, Number(env.STAND_IN_TRUNCATE));
    appendFileSync(target, Buffer.alloc(1024));
  }
  if (env.STAND_IN_FLIP) {
    const bytes = readFileSync(target);
    bytes[Number(env.STAND_IN_FLIP)] ^= 1;
    writeFileSync(target, bytes);
  }
}
const exitCode = play(step, folder, goldenName);
if (env.STAND_IN_LINGER_MS) await new Promise((resolve) => setTimeout(resolve, Number(env.STAND_IN_LINGER_MS)));
process.exitCode = exitCode;
