import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AirlockOptions, airlock, tell } from '../helpers/airlock.ts';
import { siteNames, writeSite } from '../helpers/journey-site.ts';
import { benchAddresses, type NetworkBench, openNetworkBench } from '../helpers/network-bench.ts';
import { describeRoot } from '../helpers/real.ts';
import { suiteFolder } from '../helpers/temporary.ts';

const programs = ['ip', 'nsenter', 'unshare', 'skopeo', 'dig', 'curl'];
const execute = promisify(execFile);
const { bastion } = benchAddresses;

describeRoot('the journey where there is only IPv6, and no route out', programs, () => {
  let folder: string;
  let bench: NetworkBench;
  let onBastion: AirlockOptions;
  let site: string;
  const run = async (via: readonly string[], ...command: string[]): Promise<string> => {
    const [program = '', ...args] = [...via, ...command];
    return (await execute(program, args, { cwd: folder })).stdout;
  };
  const go = async (...args: string[]): Promise<string> => {
    const ending = await airlock(args, onBastion);
    expect(ending.exitCode, tell(ending)).toBe(0);
    return ending.stdout;
  };

  beforeAll(async () => {
    folder = await suiteFolder();
    bench = await openNetworkBench(folder, [6]);
    onBastion = { cwd: folder, via: bench.bastion };
  });

  afterAll(async () => {
    if (site) await airlock(['down', '-f', site], onBastion).catch(() => {});
    await bench?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('there is no IPv4 at all, and no route', async () => {
    expect(await run(bench.bastion, 'ip', '-4', 'addr')).toBe('');
    expect(await run(bench.bastion, 'ip', '-6', 'route', 'show', 'default')).toBe('');
  });

  test('plan, build and all that follows: the demo, source and bastion on ::1', async () => {
    const stdout = await go('demo', '--dir', 'demo');
    expect(stdout).toContain('the site is ready');
    expect(stdout).not.toContain('127.0.0.1');
  }, 240_000);

  test('a site on a ULA: load, up, emit and check, and status answers on every address', async () => {
    site = await writeSite(folder, {
      addresses: [bastion.v6],
      mode: 'embedded',
      reverse: [benchAddresses.networks[1]],
    });
    await go('lint', site);
    await go('verify', 'demo/media/gen-000001');
    await go('load', 'demo/media/gen-000001', '-f', site);
    await go('up', '-f', site);
    await go('emit', '-f', site, 'manifests');
    expect(await go('check', '-f', site)).toContain('no findings');
    const status = JSON.parse(await go('status', '-f', site, '-o', 'json')) as { services: { address: string }[] };
    expect(status).toMatchObject({ healthy: true });
    for (const { address } of status.services) expect(address).toMatch(/^\[fd77:/);
  }, 240_000);

  test('a node pulls, resolves and downloads over IPv6', async () => {
    const etc = path.join(folder, 'etc-containers');
    await run([], 'cp', '-r', 'manifests/hosts/etc/containers', etc);
    await run([], 'cp', 'manifests/hosts/registries.conf', etc);
    await run([], 'sh', '-c', `echo '{"default":[{"type":"insecureAcceptAnything"}]}' > '${etc}/policy.json'`);
    const node = bench.node({ '/etc/containers': etc });
    const auth = ['--src-authfile', 'manifests/hosts/auth.json'];
    const name = 'docker://registry.example.com/kitchen/toolbox:1.0';
    await run(node, 'skopeo', 'copy', '--all', '-q', ...auth, name, 'dir:toolbox');
    expect(await run(node, 'dig', `@${bastion.v6}`, '+short', siteNames.registry, 'AAAA')).toBe(`${bastion.v6}\n`);
    expect(await run(node, 'dig', `@${bastion.v6}`, '+short', siteNames.registry, 'A')).toBe('');
    const ca = 'manifests/hosts/etc/pki/ca-trust/source/anchors/airlock-site-ca.crt';
    await run(node, 'curl', '-sSf', '--cacert', ca, '-o', 'page', `https://${siteNames.web}:8443/`);
    await run(bench.bastion, 'curl', '-sSf', '-o', 'page', 'http://[::1]:8080/');
  });

  test('down stops all of it', async () => {
    expect(await go('down', '-f', site)).toContain('stopped: services');
  });
});
