import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AirlockOptions, airlock, tell } from '../helpers/airlock.ts';
import { openDockerRegistry } from '../helpers/docker-registry.ts';
import { siteNames, writeSite } from '../helpers/journey-site.ts';
import { type JourneySource, startJourneySource, writeImageSet } from '../helpers/journey-source.ts';
import { benchAddresses, type NetworkBench, openNetworkBench } from '../helpers/network-bench.ts';
import { describeRoot } from '../helpers/real.ts';
import { suiteFolder } from '../helpers/temporary.ts';
import { type PodmanService, startPodman } from '../registry/podman/podman-service.ts';
import { registryImage } from '../registry/registry-image.ts';

const programs = [
  'docker-registry',
  'podman',
  'runc',
  'skopeo',
  'ip',
  'nsenter',
  'unshare',
  'dig',
  'named-checkzone',
  'openssl',
  'curl',
];
const execute = promisify(execFile);
const { bastion } = benchAddresses;
const registryName = 'docker.io/library/registry:3';

describeRoot(
  'the journey on real parts: distribution as upstream, Podman on the bastion, skopeo on a node',
  programs,
  () => {
    let folder: string;
    let source: JourneySource;
    let upstream: { readonly host: string; close: () => Promise<void> };
    let bench: NetworkBench;
    let podman: PodmanService;
    let site: string;
    let onBastion: AirlockOptions;
    const manifests = (...names: string[]): string => path.join(folder, 'manifests', ...names);
    const run = async (via: readonly string[], ...command: string[]): Promise<string> => {
      const [program = '', ...args] = [...via, ...command];
      return (await execute(program, args, { cwd: folder, maxBuffer: 64 << 20 })).stdout;
    };
    const go = async (options: AirlockOptions, ...args: string[]): Promise<string> => {
      const ending = await airlock(args, options);
      expect(ending.exitCode, tell(ending)).toBe(0);
      return ending.stdout;
    };

    beforeAll(async () => {
      folder = await suiteFolder();
      bench = await openNetworkBench(folder, [4, 6]);
      podman = await startPodman(bench.bastion);
      source = await startJourneySource(path.join(folder, 'source'), [
        { registry: 'docker.io', repository: 'library/registry', tag: '3', image: registryImage() },
      ]);
      upstream = await openDockerRegistry(folder, { storage: source.storage });
      await source.moveTo(upstream.host);
      await writeImageSet(path.join(folder, 'imageset.yaml'), {});
      site = await writeSite(folder, {
        addresses: [bastion.v4, bastion.v6],
        mode: 'podman',
        image: registryName,
        reverse: benchAddresses.networks,
      });
      onBastion = { cwd: folder, via: bench.bastion, env: { CONTAINER_HOST: `unix://${podman.socket}` } };

      const connected = { cwd: folder, env: source.env };
      await go(connected, 'plan', '-f', site, ...source.flags, 'out');
      await go(connected, 'build', '-f', site, ...source.flags, 'out');
      await go(connected, 'verify', 'out/gen-000001');
      // From here on there is no source any more, and the bastion has no route to one.
      await upstream.close();
      await source.close();
      await go(onBastion, 'load', 'out/gen-000001', '-f', site);
      expect(await go(onBastion, 'up', '-f', site)).toMatch(
        /registry: https:\/\/registry\.lab\.example\.com:5000 \(podman, created\)/,
      );
      await go(onBastion, 'emit', '-f', site, 'manifests');
    }, 240_000);

    afterAll(async () => {
      if (site) await airlock(['down', '-f', site], onBastion).catch(() => {});
      await podman?.close();
      await upstream?.close();
      await source?.close();
      await bench?.close();
      await rm(folder, { recursive: true, force: true });
    }, 240_000);

    test('check finds nothing, a second up changes nothing, and the registry runs from the image of the bundle', async () => {
      expect(await go(onBastion, 'check', '-f', site)).toContain('no findings');
      const again = JSON.parse(await go(onBastion, 'up', '-f', site, '-o', 'json')) as unknown;
      expect(again).toMatchObject({
        registry: { mode: 'podman', state: 'unchanged' },
        services: 'unchanged',
        certificates: { changed: false },
      });
      expect(await podman.podman('ps', '--format', '{{.Names}} {{.Image}}')).toMatch(
        /^airlock-registry \S*library\/registry:3$/m,
      );
      expect(JSON.parse(await go(onBastion, 'status', '-f', site, '-o', 'json'))).toMatchObject({ healthy: true });
    });

    test('a node pulls every image by its original reference through the emitted registries.conf, pull secret and CA', async () => {
      // What a node has after the emitted files are laid into place, and nothing else of the machine's own.
      const etc = path.join(folder, 'etc-containers');
      await cp(manifests('hosts/etc/containers'), etc, { recursive: true });
      await cp(manifests('hosts/registries.conf'), path.join(etc, 'registries.conf'));
      await writeFile(path.join(etc, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
      const node = bench.node({ '/etc/containers': etc });
      const pull = ['skopeo', 'copy', '--all', '-q', '--src-authfile', manifests('hosts/auth.json')];
      const carried = source.content.images.filter((one) => one.registry !== 'docker.io');
      expect(carried).toHaveLength(15);
      for (const { registry, repository, tag, image } of carried) {
        // A release and its components are named by digest, as clusters do; an image of the user's by its tag.
        const isTag = repository.startsWith('kitchen/');
        const name = `${registry}/${repository}${isTag ? `:${tag}` : `@${image.descriptor.digest}`}`;
        const target = path.join(folder, 'pulled', tag);
        await run(node, 'mkdir', '-p', target);
        await run(node, ...pull, `docker://${name}`, `dir:${target}`);
        const manifest = await readFile(path.join(target, 'manifest.json'));
        expect(`sha256:${createHash('sha256').update(manifest).digest('hex')}`).toBe(image.descriptor.digest);
      }
      // Without the pull secret there is nothing to be had.
      const [first] = carried;
      const name = `${first?.registry}/${first?.repository}@${first?.image.descriptor.digest}`;
      await expect(run(node, 'skopeo', 'inspect', '--no-creds', '--raw', `docker://${name}`)).rejects.toThrow(
        /unauthorized|authentication/,
      );
    }, 240_000);

    test('BIND takes the emitted zones', async () => {
      const zones = (await readdir(manifests('dns'))).filter((name) => name.endsWith('.zone'));
      expect(zones.length).toBeGreaterThanOrEqual(3);
      for (const zone of zones)
        await run([], 'named-checkzone', '-i', 'local', path.basename(zone, '.zone'), manifests('dns', zone));
    });

    test.each([
      ['over IPv4', bastion.v4, []],
      ['over IPv6', bastion.v6, []],
      ['over TCP', bastion.v4, ['+tcp']],
      ['over TCP and IPv6', bastion.v6, ['+tcp']],
    ] as const)('dig gets the same answers %s', async (_title, server, flags) => {
      const dig = (...question: string[]): Promise<string> =>
        run(bench.node(), 'dig', `@${server}`, '+short', '+norecurse', ...flags, ...question);
      expect(await dig(siteNames.registry, 'A')).toBe(`${bastion.v4}\n`);
      expect(await dig(siteNames.registry, 'AAAA')).toBe(`${bastion.v6}\n`);
      expect(await dig('api.hub.lab.example.com', 'A')).toBe('198.51.100.20\n');
      expect(await dig('console.apps.kitchen.lab.example.com', 'A')).toBe('198.51.100.40\n');
      expect(await dig('-x', bastion.v6)).toMatch(/lab\.example\.com\.\n/);
      expect(await dig('quay.io', 'A')).toBe('');
    });

    test('openssl accepts the certificate of each service, strictly, by name and by address', async () => {
      const ca = manifests('hosts/etc/pki/ca-trust/source/anchors/airlock-site-ca.crt');
      for (const [address, port] of [
        [bastion.v4, 5000],
        [bastion.v6, 8443],
      ] as const) {
        const shown = path.join(folder, `leaf-${port}.pem`);
        const where = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
        const connect = `openssl s_client -connect '${where}' -CAfile '${ca}' -verify_return_error </dev/null | openssl x509 > '${shown}'`;
        await run(bench.node(), 'sh', '-c', connect);
        const name = port === 5000 ? siteNames.registry : siteNames.web;
        for (const wanted of [
          ['-verify_hostname', name],
          ['-verify_ip', bastion.v4],
          ['-verify_ip', bastion.v6],
          ['-verify_ip', '::1'],
        ])
          expect(await run([], 'openssl', 'verify', '-x509_strict', '-CAfile', ca, ...wanted, shown)).toContain('OK');
      }
    });

    test('curl gets RHCOS files whole and in parts, over [::1], IPv4 and the ULA', async () => {
      const ca = manifests('hosts/etc/pki/ca-trust/source/anchors/airlock-site-ca.crt');
      const [sourcePath = '', bytes = Buffer.alloc(0)] =
        [...source.content.files].find(([name]) => name.endsWith('x86_64.iso')) ?? [];
      const web = `/rhcos/${sourcePath.split('/').slice(-3).join('/')}`;
      const part = path.join(folder, 'part');
      const curl = async (via: readonly string[], ...args: string[]): Promise<Buffer> => {
        await run(via, 'curl', '-sSf', '--cacert', ca, '-o', part, ...args);
        return readFile(part);
      };
      expect(await curl(bench.bastion, '-r', '1000-70999', `http://[::1]:8080${web}`)).toEqual(
        bytes.subarray(1000, 71000),
      );
      expect(await curl(bench.node(), '-r', '-5000', `https://[${bastion.v6}]:8443${web}`)).toEqual(
        bytes.subarray(-5000),
      );
      const whole = await curl(bench.node(), `http://${siteNames.web}:8080${web}`);
      const sums = (
        await curl(bench.node(), `https://${siteNames.web}:8443${path.dirname(web)}/sha256sum.txt`)
      ).toString();
      const sha256 = createHash('sha256').update(whole).digest('hex');
      expect(whole).toEqual(bytes);
      expect(sums).toContain(`${sha256}  ${path.basename(web)}`);
    });

    test('down stops the container and the services; status says so', async () => {
      expect(await go(onBastion, 'down', '-f', site)).toContain('services, registry container');
      expect(await podman.podman('ps', '-aq')).toBe('');
      const status = await airlock(['status', '-f', site], onBastion);
      expect(status.exitCode, tell(status)).toBe(3);
    });
  },
);
