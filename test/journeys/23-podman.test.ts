import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { openStorage, parseReference, storageSource } from '../../src/oci/index.ts';
import { openImageArchive } from '../../src/registry/index.ts';
import type { SiteStatus, UpResult } from '../../src/workflow/index.ts';
import { type AirlockOptions, airlock, tell } from '../helpers/airlock.ts';
import { siteNames, writeSite } from '../helpers/journey-site.ts';
import { benchAddresses, type NetworkBench, openNetworkBench } from '../helpers/network-bench.ts';
import { describeRoot } from '../helpers/real.ts';
import { suiteFolder } from '../helpers/temporary.ts';
import { type PodmanService, startPodman } from '../registry/podman/podman-service.ts';
import { putImage } from '../registry/put-image.ts';
import { registryImage } from '../registry/registry-image.ts';

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
      await writeImageArchive();
    }, 120_000);

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
    }, 180_000);

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
    }, 60_000);

    /** Where `load` puts the registry image of a bundle. */
    async function writeImageArchive(): Promise<void> {
      const storage = openStorage(path.join(folder, 'image'), { sync: 'none' });
      await putImage(storage, 'library/registry', registryImage(), ['3']);
      const wanted = { reference: parseReference(image), architecture: 'amd64', name: image };
      const { stream } = await openImageArchive(storageSource(storage), wanted, quietRun());
      const file = path.join(folder, 'bastion/state/files/images/registry.tar');
      await mkdir(path.dirname(file), { recursive: true });
      await pipeline(stream, createWriteStream(file));
    }

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
