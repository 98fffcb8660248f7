import { execFile, execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, symlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { digestOf, openStorage } from '../../src/oci/index.ts';
import { blobPath } from '../../src/oci/storage/paths.ts';
import type { SiteStatus, UpResult } from '../../src/workflow/index.ts';
import { type AirlockOptions, airlock, tell } from '../helpers/airlock.ts';
import { freeSitePorts, siteNames, writeSite } from '../helpers/journey-site.ts';
import { benchAddresses, type NetworkBench, openNetworkBench } from '../helpers/network-bench.ts';
import { describeRoot } from '../helpers/real.ts';
import { suiteFolder, temporaryFolder } from '../helpers/temporary.ts';
import { type PodmanService, startPodman } from '../registry/podman/podman-service.ts';
import { writeRegistryArchive } from '../registry/registry-image.ts';

const { bastion } = benchAddresses;
const image = 'docker.io/library/registry:3';

describeRoot(
  'a registry in Podman, as root on ports 5000, 8080 and 53',
  ['podman', 'runc', 'docker-registry', 'ip', 'nsenter', 'curl'],
  () => {
    let folder: string;
    let bench: NetworkBench;
    let podman: PodmanService;
    let options: AirlockOptions;
    const go = async <T>(exitCode: number, ...args: string[]): Promise<T> => {
      const ending = await airlock([...args, '-o', 'json'], options);
      expect(ending.exitCode, tell(ending)).toBe(exitCode);
      return JSON.parse(ending.stdout) as T;
    };

    beforeAll(async () => {
      folder = await suiteFolder();
      bench = await openNetworkBench(folder, [4, 6]);
      podman = await startPodman(bench.bastion);
      options = { cwd: folder, via: bench.bastion, env: { CONTAINER_HOST: `unix://${podman.socket}` } };
      await writeSite(folder, { addresses: [bastion.v4, bastion.v6], mode: 'podman', image });
      await writeRegistryArchive(folder, image);
    }, 240_000);

    afterAll(async () => {
      await airlock(['down'], options).catch(() => {});
      await podman?.close();
      await bench?.close();
      await rm(folder, { recursive: true, force: true });
    });

    test('is made once, made anew with a renewed certificate and when it becomes read-only, and taken away by down', async () => {
      expect(await go<UpResult>(0, 'up')).toMatchObject({
        registry: { mode: 'podman', state: 'created' },
        services: 'started',
      });
      expect(await go<UpResult>(0, 'up')).toMatchObject({ registry: { state: 'unchanged' }, services: 'unchanged' });
      const status = await go<SiteStatus>(0, 'status');
      expect(
        status.services.filter((one) => one.service === 'registry').map((one) => [one.healthy, typeof one.since]),
      ).toEqual([
        [true, 'string'],
        [true, 'string'],
      ]);
      const { leaf } = await go<{ leaf: { fingerprintSha256: string } }>(0, 'certs', 'renew');
      expect(await go<UpResult>(0, 'up')).toMatchObject({ registry: { state: 'recreated' }, services: 'unchanged' });
      const shown = await go<{ consumers: { consumer: string; fingerprints: string[] }[] }>(0, 'certs', 'show');
      const registry = shown.consumers.filter((one) => one.consumer === 'registry');
      expect(registry.map((one) => one.fingerprints[0])).toEqual([leaf.fingerprintSha256, leaf.fingerprintSha256]);
      expect(await go(0, 'registry', 'read-only', 'on')).toMatchObject({ needsUp: true });
      expect(await go<UpResult>(0, 'up')).toMatchObject({ registry: { state: 'recreated' } });
      expect(await post()).toBe('405');
      expect(await go(0, 'down')).toMatchObject({ services: true, container: true });
      expect(await podman.podman('ps', '-aq')).toBe('');
    }, 360_000);

    test('is not started on a port that another program has', async () => {
      const other = execFile(bench.bastion[0] ?? '', [
        ...bench.bastion.slice(1),
        process.execPath,
        '-e',
        'require("net").createServer().listen(5000)',
      ]);
      await expect
        .poll(async () => (await promisify(execFile)('nsenter', [...bench.bastion.slice(1), 'ss', '-ltn'])).stdout)
        .toContain(':5000');
      const { error } = await go<{ error: { code: string; message: string } }>(3, 'up');
      expect(error).toMatchObject({ code: 'LISTEN_FAILED' });
      expect(error.message).toContain('port 5000');
      other.kill();
    }, 120_000);

    test('keeps what serves while its Podman does not answer, and is not collected from while it runs', async () => {
      expect(await go<UpResult>(0, 'up')).toMatchObject({ registry: { mode: 'podman' } });
      const lost = { ...options, env: { CONTAINER_HOST: `unix://${path.join(folder, 'gone.sock')}` } };
      const failed = await airlock(['up', '-o', 'json'], lost);
      expect(failed.exitCode, tell(failed)).toBe(3);
      expect(JSON.parse(failed.stdout)).toMatchObject({ error: { code: 'LISTEN_FAILED' } });
      expect(await go<UpResult>(0, 'up')).toMatchObject({ registry: { state: 'unchanged' }, services: 'unchanged' });

      // A blob that no image needs, old enough to go.
      const waste = Buffer.from('peelings');
      const storage = openStorage(path.join(folder, 'bastion/registry/data'), { sync: 'none' });
      await storage.putBlob(digestOf(waste), [waste], quietRun());
      const blob = path.join(storage.root, blobPath(digestOf(waste)));
      await utimes(blob, 0, 0);
      for (const name of ['supervisor.json', 'services.json']) {
        const record = await readFile(path.join(folder, 'bastion/state/run', name), 'utf8');
        process.kill((JSON.parse(record) as { pid: number }).pid, 'SIGKILL');
      }
      const refused = await go<{ error: { code: string; message: string } }>(2, 'registry', 'gc', '-y');
      expect(refused.error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('running') });
      expect(await go(0, 'down')).toMatchObject({ container: true });
      expect(await go(0, 'registry', 'gc', '-y')).toMatchObject({ removed: { blobs: [{ digest: digestOf(waste) }] } });
    }, 240_000);

    async function post(): Promise<string> {
      const password = (await readFile(path.join(folder, 'bastion/state/registry-password'), 'utf8')).trim();
      const url = `https://${siteNames.registry}:5000`;
      const args = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-X', 'POST', '-u', `airlock:${password}`];
      const trust = [
        '--cacert',
        path.join(folder, 'bastion/state/certs/trust.crt'),
        '--resolve',
        `${siteNames.registry}:5000:${bastion.v4}`,
      ];
      const [program = '', ...via] = [
        ...bench.bastion,
        'curl',
        ...args,
        ...trust,
        `${url}/v2/kitchen/tools/blobs/uploads/`,
      ];
      return (await promisify(execFile)(program, via)).stdout;
    }
  },
);

describeRoot('a registry in the Podman of an ordinary user', ['podman', 'runc', 'docker-registry', 'setpriv'], () => {
  test('runs on high ports under umask 0077, is left alone, made anew on change, and taken away', async () => {
    const nobody = 65534;
    const user = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--'];
    const folder = await temporaryFolder();
    await writeSite(folder, { addresses: ['127.0.0.1'], mode: 'podman', image, ports: await freeSitePorts() });
    await writeRegistryArchive(folder, image);
    execFileSync('chown', ['-R', `${nobody}:${nobody}`, folder]);
    const podman = await startPodman(user, nobody);
    onTestFinished(() => podman.close());
    // Found where a user's own Podman answers: nothing names it.
    const runtime = path.join(folder, 'runtime');
    await mkdir(path.join(runtime, 'podman'), { recursive: true });
    await symlink(podman.socket, path.join(runtime, 'podman/podman.sock'));
    const via = ['sh', '-c', 'umask 0077; exec "$@"', 'sh', ...user];
    const options: AirlockOptions = { cwd: folder, via, env: { XDG_RUNTIME_DIR: runtime } };
    const go = async <T>(...args: string[]): Promise<T> => {
      const ending = await airlock([...args, '-o', 'json'], options);
      expect(ending.exitCode, tell(ending)).toBe(0);
      return JSON.parse(ending.stdout) as T;
    };
    onTestFinished(async () => void (await airlock(['down'], options)));
    expect(await go<UpResult>('up')).toMatchObject({ registry: { mode: 'podman', state: 'created' } });
    expect(await go<UpResult>('up')).toMatchObject({ registry: { state: 'unchanged' }, services: 'unchanged' });
    expect((await go<SiteStatus>('status')).healthy).toBe(true);
    await go('registry', 'read-only', 'on');
    expect(await go<UpResult>('up')).toMatchObject({ registry: { state: 'recreated' } });
    const logs = await airlock(['registry', 'logs', '--tail', '1'], options);
    expect([logs.exitCode, logs.stdout]).toEqual([0, expect.stringContaining('/v2/')]);
    expect(await go('down')).toMatchObject({ services: true, container: true });
    expect(await podman.podman('ps', '-aq')).toBe('');
  }, 240_000);
});
