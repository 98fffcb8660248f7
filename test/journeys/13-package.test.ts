import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { airlock, tell } from '../helpers/airlock.ts';
import { freeSitePorts, writeSite } from '../helpers/journey-site.ts';
import { type JourneySource, startJourneySource, writeImageSet } from '../helpers/journey-source.ts';
import { describeReal, describeRoot } from '../helpers/real.ts';
import { suiteFolder } from '../helpers/temporary.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');

let folder: string;
let source: JourneySource;
const at = (...names: string[]): string => path.join(folder, ...names);

/** What a bare bastion has: tar and a few of the coreutils, in a folder of their own; no Node. */
async function bareEnvironment(): Promise<readonly string[]> {
  await mkdir(at('bare'), { recursive: true });
  for (const name of ['tar', 'cat', 'ls', 'uname']) {
    const { stdout } = await run('sh', ['-c', `command -v ${name}`]);
    await symlink(stdout.trim(), at('bare', name)).catch(() => {});
  }
  return ['env', '-i', `PATH=${at('bare')}`, `HOME=${folder}`];
}

let packaged: Promise<string> | undefined;

/** The executable, made once for all tests. */
function packageOnce(): Promise<string> {
  const tool = at('airlock-linux');
  packaged ??= run(process.execPath, ['scripts/package.mjs', '--out', tool], { cwd: root, maxBuffer: 1 << 26 }).then(
    () => tool,
  );
  return packaged;
}

beforeAll(async () => {
  folder = await suiteFolder();
  source = await startJourneySource(at('source'));
});

afterAll(async () => {
  await source?.close();
  await rm(folder, { recursive: true, force: true });
});

describeReal('the packaged executable', ['tar', 'env'], () => {
  test('comes along in the bundle and loads it where there is neither Node nor anything else', async () => {
    const tool = await packageOnce();
    await writeImageSet(at('imageset.yaml'), { release: false });
    await writeSite(folder, { addresses: ['127.0.0.1'], mode: 'embedded', ports: await freeSitePorts() });
    const flags = ['-f', 'site.yaml', '--no-rhcos', ...source.flags, '--tool', tool, '--engine', 'builtin'];
    const build = await airlock(['build', ...flags, 'out'], { cwd: folder, env: source.env });
    expect(build.exitCode, tell(build)).toBe(0);
    const media = at('out/gen-000001');
    const bare = await bareEnvironment();
    const options = { cwd: media, maxBuffer: 1 << 26 };
    const [program = '', ...rest] = bare;
    await run(program, [...rest, 'tar', '-xf', 'mirror_000001.tar', 'airlock/bin/airlock'], options);
    const load = await run(program, [...rest, './airlock/bin/airlock', 'load', '.', '-o', 'json'], options);
    expect(JSON.parse(load.stdout)).toMatchObject({ state: 'loaded' });
    // The site file came out of the bundle; what it names lies beside it.
    expect((await readFile(at('site.yaml'))).equals(await readFile(path.join(media, 'site.yaml')))).toBe(true);
    expect(await readdir(path.join(media, 'bastion/state/tools'))).toContain('airlock');
    const verify = await run(program, [...rest, './airlock/bin/airlock', 'verify', '.', '--no-progress'], options);
    expect(verify.stdout).toContain('whole');
    expect(`${load.stderr}${verify.stderr}`).not.toMatch(/warning|SEA|experimental/i);
    await rm(path.join(media, 'site.yaml'));
    const reload = await run(program, [...rest, './airlock/bin/airlock', 'load', '.'], options);
    expect(reload.stdout).toContain('next: airlock up');
    const again = await airlock(['build', ...flags, 'out'], { cwd: folder, env: source.env });
    expect(again.stdout).toContain('nothing new');
    // Templates, and the thread that sums volumes up, are in the one file too.
    await run(program, [...rest, './airlock/bin/airlock', 'init', 'fresh'], options);
    expect(await readdir(path.join(media, 'fresh'))).toEqual(['imageset.yaml', 'site.schema.json', 'site.yaml']);
    const outside = Object.entries(source.env).map(([name, value]) => `${name}=${value}`);
    const built = await run(
      program,
      [...rest, ...outside, './airlock/bin/airlock', 'build', '-c', at('imageset.yaml'), ...source.flags, 'own'],
      options,
    );
    expect(`${built.stdout}${built.stderr}`).not.toMatch(/error/i);
    const sums = await run('sha256sum', ['-c', 'sha256sum.txt'], { cwd: path.join(media, 'own/gen-000001') });
    expect(sums.stdout).toBe('mirror_000001.tar: OK\n');
  });

  test('goes along, too, from a checkout whose tool is started through a link, as npx does', async () => {
    await cp(path.join(root, 'dist'), at('checkout/dist'), { recursive: true });
    await cp(path.join(root, 'package.json'), at('checkout/package.json'));
    await mkdir(at('checkout/dist-bin'));
    await writeFile(at(`checkout/dist-bin/airlock-linux-${process.arch}`), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    await symlink(at('checkout/dist/cli/main.js'), at('linked'));
    await writeImageSet(at('linked.yaml'), { release: false });
    const flags = ['-c', 'linked.yaml', ...source.flags, '--engine', 'builtin'];
    const env = { ...source.env, PATH: process.env['PATH'], HOME: folder };
    const build = (folder: string) =>
      run(process.execPath, [at('linked'), 'build', ...flags, folder], { cwd: at(), env });
    const carried = await build('linked-one');
    const { stdout } = await run('tar', ['-tf', at('linked-one/gen-000001/mirror_000001.tar')]);
    expect(stdout.split('\n')).toContain('airlock/bin/airlock');
    expect(carried.stderr).not.toContain('npm run package');
    await rm(at('checkout/dist-bin'), { recursive: true });
    expect((await build('linked-two')).stderr).toContain('npm run package');
  });

  test('is carried once: the next generation leaves out the one that is there', async () => {
    await writeFile(at('small-tool'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    const flags = ['-c', 'imageset.yaml', ...source.flags, '--tool', at('small-tool'), '--engine', 'builtin', 'twice'];
    const build = (): Promise<unknown> => airlock(['build', ...flags], { cwd: folder, env: source.env });
    await build();
    await writeImageSet(at('imageset.yaml'), { release: true });
    await build();
    const inspect = await airlock(['inspect', '--format', 'json', 'twice'], { cwd: folder });
    const { bundles } = JSON.parse(inspect.stdout) as { bundles: { files: { path: string }[] }[] };
    const carries = bundles.map(({ files }) => files.some((file) => file.path === 'airlock/bin/airlock'));
    expect(carries, tell(inspect)).toEqual([true, false]);
  });
});

describeReal('the packaged executable as a web server', ['strace'], () => {
  test('sends files without copying them, as the installed tool does', async () => {
    const tool = await packageOnce();
    await mkdir(at('web'));
    await writeFile(at('web/rootfs.img'), Buffer.alloc(4 << 20, 'salt'));
    const [port] = Object.values(await freeSitePorts());
    const serve = [tool, 'web', 'serve', '--root', at('web'), '--listen', `127.0.0.1:${port}`];
    // The tracer runs beside it (-D), so that the signal reaches the tool.
    const server = spawn('strace', ['-D', '-f', '-e', 'trace=sendfile', '-o', at('calls'), ...serve], {
      stdio: 'pipe',
    });
    const ended = once(server, 'exit');
    try {
      await once(server.stdout, 'data');
      const answer = await fetch(`http://127.0.0.1:${port}/rootfs.img`);
      expect(Buffer.from(await answer.arrayBuffer()).equals(await readFile(at('web/rootfs.img')))).toBe(true);
    } finally {
      server.kill('SIGINT');
      await ended;
    }
    expect(await readFile(at('calls'), 'utf8')).toContain('sendfile(');
  }, 240_000);
});

describeRoot('the packaged executable in the hands of somebody without rights', ['tar', 'setpriv', 'mount'], () => {
  test('loads with a umask of 0077 and a temporary folder from which nothing may be run, for a registry that is somebody else', async () => {
    await writeImageSet(at('plain.yaml'), { release: false });
    const flags = ['-c', 'plain.yaml', ...source.flags, '--tool', await packageOnce(), '--engine', 'builtin'];
    const built = await airlock(['build', ...flags, 'plain'], { cwd: folder, env: source.env });
    expect(built.exitCode, tell(built)).toBe(0);
    await bareEnvironment();
    const [home, temporary] = [at('home'), at('noexec')];
    for (const one of [home, temporary]) await mkdir(one);
    await cp(at('plain/gen-000001/mirror_000001.tar'), path.join(home, 'mirror_000001.tar'));
    await run('mount', ['-t', 'tmpfs', '-o', 'noexec,mode=1777', 'tmpfs', temporary]);
    onTestFinished(() => run('umount', [temporary]).then(() => {}));
    await chmod(folder, 0o755);
    await run('chown', ['-R', '65534:65534', home]);
    const script = `umask 0077; cd ${home} && ${at('bare/tar')} -xf mirror_000001.tar airlock/bin/airlock && ./airlock/bin/airlock load . storage:${home}/registry --tools-dir ${home}/tools -o json`;
    const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const bare = ['env', '-i', `PATH=${at('bare')}`, `HOME=${home}`, `TMPDIR=${temporary}`];
    const load = await run('setpriv', [...user, ...bare, '/bin/sh', '-c', script], { maxBuffer: 1 << 26 });
    expect(JSON.parse(load.stdout)).toMatchObject({ state: 'loaded' });
    for (const entry of await readdir(path.join(home, 'registry/docker'), { recursive: true, withFileTypes: true })) {
      const { mode } = await stat(path.join(entry.parentPath, entry.name));
      expect(mode & 0o777, entry.name).toBe(entry.isDirectory() ? 0o755 : 0o644);
    }
    expect((await stat(path.join(home, 'tools/airlock'))).mode & 0o777).toBe(0o755);
  });
});
