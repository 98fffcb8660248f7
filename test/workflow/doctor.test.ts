import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietRun, type Run } from '../../src/core/run.ts';
import { doctor } from '../../src/workflow/index.ts';
import { buildSample } from '../bundle/build-sample.ts';
import { makeSample } from '../bundle/sample.ts';
import { runCommand } from '../cluster/command.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { freeSitePorts, writeSite } from '../helpers/journey-site.ts';
import { describeRoot } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = quietRun();
const engine = { userId: 4711 };

async function makeSite(change: (text: string) => string = (text) => text) {
  const folder = await temporaryFolder();
  const ports = await freeSitePorts();
  const siteFile = await writeSite(folder, { addresses: ['127.0.0.1'], mode: 'embedded', ports });
  await writeFile(siteFile, change(readFileSync(siteFile, 'utf8')));
  await chmod(path.join(folder, 'worker-0.bmc'), 0o600);
  const look = async (more: { bundle?: string } = {}, own: Run = run) => {
    const { findings } = await doctor({ siteFile, engine, ...more }, own);
    return findings.map(({ code, severity, subject }) => `${severity} ${code} ${subject.replaceAll(folder, '')}`);
  };
  return { folder, ports, siteFile, look };
}

/** What every host without a cluster and an image set has to say of the site above. */
const later = [
  'info DOCTOR_FILE_MISSING imageSet: /imageset.yaml',
  'info DOCTOR_FILE_MISSING managementCluster.kubeconfig: /hub.kubeconfig',
];

describe('doctor', () => {
  test('finds nothing in the way of a good site, and changes nothing', async () => {
    const { folder, look, siteFile } = await makeSite();
    const before = readdirSync(folder, { recursive: true });
    expect((await look()).sort()).toEqual(later);
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
    const command = await runCommand(['doctor', '-f', siteFile], { cwd: folder });
    expect(command.exitCode).toBe(0);
    expect(command.outcome?.text).toMatch(/this host can be the bastion\nnext: airlock load BUNDLE -f /);
  });

  test('names files that are missing, open to others, or certificates that are none or over', async () => {
    const { folder, look, siteFile } = await makeSite((text) =>
      text
        .replace('  dns:', '  certificates: {caFile: ca.pem, caKeyFile: ca.key}\n  dns:')
        .replace('worker-0.bmc', 'gone.bmc'),
    );
    await writeFile(path.join(folder, 'ca.pem'), 'no certificate');
    await writeFile(path.join(folder, 'ca.key'), 'a key', { mode: 0o644 });
    await chmod(path.join(folder, 'ca.key'), 0o644);
    const wanted = [
      ...[
        'error DOCTOR_CERTIFICATE certificates.caFile: /ca.pem',
        'warning DOCTOR_FILE_OPEN certificates.caKeyFile: /ca.key',
      ],
      'error DOCTOR_FILE_MISSING hostedClusters.0.nodePools.0.hosts.0.bmc.credentialsFile: /gone.bmc',
    ];
    expect((await look()).sort()).toEqual([...later, ...wanted].sort());
    await writeFile(path.join(folder, 'ca.pem'), (await makeCertificate()).cert);
    const years = (count: number) => quietRun({ now: () => new Date(Date.now() + count * 365 * 86_400_000) });
    // It is valid for two days.
    expect(await look()).toContain('warning DOCTOR_CERTIFICATE certificates.caFile: /ca.pem');
    for (const count of [50, -50])
      expect(await look({}, years(count))).toContain('error DOCTOR_CERTIFICATE certificates.caFile: /ca.pem');
    const command = await runCommand(['doctor', '-f', siteFile], { cwd: folder });
    expect(command.exitCode).toBe(1);
    expect(command.outcome?.text).toContain('this host is NOT ready to be the bastion');
  });

  test('names ports that are taken with their holder, and addresses that are not of this host', async () => {
    const { look, ports } = await makeSite((text) =>
      text.replace('  dns:', '  ntp: [198.51.100.7]\n  dns:').replace(/web: \{/, 'web: {addresses: [198.51.100.7], '),
    );
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(ports.registry, '127.0.0.1', resolve));
    try {
      const found = await look();
      expect(found).toContain(`error DOCTOR_PORT_TAKEN registry at 127.0.0.1:${ports.registry} (tcp)`);
      expect(found).toContain(`error DOCTOR_ADDRESS_FOREIGN web at 198.51.100.7:${ports.http} (tcp)`);
      expect(found.filter((line) => line.includes(' dns at '))).toEqual([]);
    } finally {
      server.close();
    }
  });

  test('knows what a bundle needs, counts what is there already, and sees a clock that is behind', async () => {
    const { folder, look } = await makeSite();
    await buildSample(
      makeSample({ images: [{ repository: 'harbour/crane', tag: 'v1', layers: [['crane', 90_000]] }] }),
      folder,
    );
    const bundle = path.join(folder, 'gen-000001');
    const space = (freeBytes: number) =>
      quietRun({ disk: { ...run.disk, space: async () => ({ freeBytes, blockBytes: 4096, freeInodes: 1e6 }) } });
    expect((await look({ bundle }, space(200_000))).sort()).toEqual(later);
    expect((await look({ bundle }, space(90_000))).filter((line) => line.includes('SPACE_SHORT'))).toHaveLength(1);
    const early = quietRun({ now: () => new Date(0) });
    expect(await look({ bundle }, early)).toContain('error DOCTOR_CLOCK_BEHIND clock of this host');
    await mkdir(path.join(folder, 'bastion/registry'), { recursive: true });
    execFileSync('tar', ['-xf', path.join(bundle, 'mirror_000001.tar'), '-C', path.join(folder, 'bastion/registry')]);
  });

  test('has every code of its own in its documentation', () => {
    const root = path.resolve(import.meta.dirname, '../..');
    const sources = readdirSync(path.join(root, 'src/workflow/doctor')).map((name) =>
      readFileSync(path.join(root, 'src/workflow/doctor', name), 'utf8'),
    );
    const codes = new Set(sources.flatMap((text) => text.match(/DOCTOR_[A-Z_]+/g) ?? []));
    const documented = readFileSync(path.join(root, 'docs/doctor.md'), 'utf8').match(/(?<=^\| `)DOCTOR_[A-Z_]+/gm);
    expect([...codes].sort()).toEqual(documented?.sort());
  });
});

describeRoot('doctor for an ordinary user', ['setpriv'], () => {
  test('names what that user may not do', async () => {
    const { folder, siteFile } = await makeSite((text) => text.replace(/dns: \{port: \d+/, 'dns: {port: 53'));
    await chmod(folder, 0o755);
    const main = path.resolve(import.meta.dirname, '../../dist/cli/main.js');
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, main];
    let text = '';
    try {
      execFileSync('setpriv', [...nobody, 'doctor', '-f', siteFile, '-o', 'json'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    } catch (error) {
      text = String((error as { stdout: Buffer }).stdout);
    }
    const { findings } = JSON.parse(text) as { findings: { code: string; subject: string }[] };
    const codes = findings.map(({ code }) => code);
    expect(codes).toContain('DOCTOR_FOLDER_CLOSED');
    expect(findings.find(({ code }) => code === 'DOCTOR_FILE_UNREADABLE')?.subject).toContain('worker-0.bmc');
    const low = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
    if (low > 53) expect(codes).toContain('DOCTOR_PORT_PRIVILEGED');
  });
});
