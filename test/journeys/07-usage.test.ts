import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AirlockOptions, airlock, type Ending, startAirlock, tell } from '../helpers/airlock.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { freeSitePorts, writeSite } from '../helpers/journey-site.ts';
import { type JourneySource, startJourneySource, writeImageSet } from '../helpers/journey-source.ts';
import { describeReal, describeRoot } from '../helpers/real.ts';
import { suiteFolder, temporaryFolder } from '../helpers/temporary.ts';
import { listTree } from '../helpers/tree.ts';

const run = promisify(execFile);
const toolbox = 'registry.example.com/kitchen/toolbox:1.0';

let folder: string;
let source: JourneySource;
let options: AirlockOptions;
let bundle: string;

beforeAll(async () => {
  folder = await suiteFolder();
  source = await startJourneySource(path.join(folder, 'source'));
  options = { cwd: folder, env: source.env };
  bundle = path.join(folder, 'out/gen-000001');
  await writeImageSet(path.join(folder, 'imageset.yaml'), {});
  await writeImageSet(path.join(folder, 'tools.yaml'), { release: false });
  await writeFile(
    path.join(folder, 'bad.yaml'),
    'kind: ImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\nmiror: {}\n',
  );
  const build = await airlock(['build', '-c', 'imageset.yaml', ...source.flags, 'out'], options);
  expect(build.exitCode, tell(build)).toBe(0);
});

afterAll(async () => {
  await source?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('wrong usage and bad input', () => {
  test.each([
    ['an unknown command', ['bild'], 2, /unknown command/],
    ['no command at all', [], 2, /Usage: airlock/],
    ['an unknown flag', ['plan', '--imagset', 'x'], 2, /unknown option.*see airlock plan --help/s],
    ['an unknown part of a group', ['inventory', 'exprot'], 2, /Did you mean export.*see airlock inventory --help/s],
    ['a flag value that is no number', ['plan', '-c', 'tools.yaml', '--retry-times', 'many'], 2, /retry-times/],
    ['an output format that is not known', ['status', '-o', 'xml'], 2, /xml/],
    ['a configuration file that is not there', ['build', '-c', 'nowhere.yaml', 'x'], 2, /nowhere\.yaml/],
    ['a configuration file with a fault', ['plan', '-c', 'bad.yaml', 'x'], 2, /bad\.yaml:3:1.*"?mirror"?/s],
    ['lint of a file with a fault', ['lint', 'bad.yaml'], 1, /bad\.yaml:3:1/],
    ['lint of a file that is not there', ['lint', 'nowhere.yaml'], 2, /nowhere\.yaml does not exist\n {2}name files/],
    ['lint of a good file', ['lint', 'imageset.yaml'], 0, /0 errors|no findings/],
    ['plan with neither image set nor site', ['plan'], 2, /no ImageSetConfiguration/],
    ['plan into a file', ['plan', '-c', 'tools.yaml', 'bad.yaml'], 2, /bad\.yaml is a file.*-c bad\.yaml/s],
    ['up without a site file', ['up'], 2, /no site file/],
    ['check without a site file', ['check'], 2, /no site file/],
    ['a site file that is not there', ['up', '-f', 'nowhere.yaml'], 2, /nowhere\.yaml/],
    ['a bundle that is not there', ['verify', 'nowhere'], 2, /nowhere does not exist/],
    ['a bundle that is no archive', ['inspect', 'bad.yaml'], 2, /bad\.yaml is no volume of a bundle/],
    ['a folder that holds no bundle', ['inspect', 'source'], 2, /source/],
    ['load without a target', ['load', 'out'], 2, /storage:DIR or docker:/],
    ['a target of no known kind', ['load', 'out', 'ftp://x'], 2, /ftp:\/\/x/],
    ['a folder without its scheme', ['load', 'out', './st', '--dry-run'], 2, /write storage:\.\/st/],
    ['a registry without its scheme', ['load', 'out', 'localhost:5000/x'], 2, /write docker:\/\/localhost:5000\/x/],
    [
      'prune of a storage that is not there',
      ['prune', '--storage', 'st', '--dry-run'],
      1,
      /no registry storage at .*st/,
    ],
    [
      'a signing key that is none',
      ['build', '-c', 'tools.yaml', '--signing-key', 'bad.yaml', 'x'],
      2,
      /bad\.yaml: the private key is not a key/,
    ],
    [
      'a signing key that is not there',
      ['build', '-c', 'tools.yaml', '--signing-key', 'no.key', 'x'],
      2,
      /no\.key does not exist\n.*airlock certs signing-key/,
    ],
    ['parts of no size', ['build', '-c', 'tools.yaml', '--part-size', '0', 'x'], 2, /at least one byte/],
    ['an --authfile that is not there', ['plan', '-c', 'tools.yaml', '--authfile', 'no.json', 'x'], 2, /no\.json/],
    ['a volume size without unit', ['plan', '-c', 'tools.yaml', '--volume-size', '4', 'x'], 2, /write a unit.*4GiB/],
    ['a key that is not there', ['verify', 'out', '--key', 'no.pem'], 2, /no\.pem does not exist\n {2}correct --key, /],
    ['a file where a folder belongs', ['load', 'out', 'storage:bad.yaml'], 2, /bad\.yaml is a file/],
    [
      'a file for the web root',
      ['load', 'out', 'storage:st', '--web-dir', 'bad.yaml', '--dry-run'],
      2,
      /bad\.yaml is a file/,
    ],
    ['registry serve of two things', ['registry', 'serve', '--storage', 'a', '--bundle', 'b'], 2, /either/],
    ['help', ['build', '--help'], 0, /Examples:/],
    ['the version', ['--version'], 0, /^\d+\.\d+\.\d+/],
  ] as const)('%s: %j ends with %i', async (_title, args, exitCode, pattern) => {
    const ending = await airlock(args, options);
    expect(ending.exitCode, tell(ending)).toBe(exitCode);
    expect(`${ending.stdout}${ending.stderr}`).toMatch(pattern);
    expect(ending.stderr).not.toContain('bug');
    // What is asked for goes to standard output, complaints do not.
    if (exitCode === 2) expect(ending.stdout).toBe('');
  });

  test('an empty folder gets a word on what to do, and init makes it a good one', async () => {
    const empty = { cwd: await temporaryFolder() };
    const status = await airlock(['status'], empty);
    expect(status.exitCode).toBe(2);
    expect(status.stderr).toContain('airlock init');
    const init = await airlock(['init'], empty);
    expect(init.exitCode, tell(init)).toBe(0);
    expect((await readdir(empty.cwd)).sort()).toEqual(['imageset.yaml', 'site.schema.json', 'site.yaml']);
    const lint = await airlock(['lint', 'site.yaml', 'imageset.yaml'], empty);
    expect(lint.exitCode, tell(lint)).toBe(0);
    const twice = await airlock(['init'], empty);
    expect(twice.exitCode, tell(twice)).toBe(2);
  });

  test('emit, check and load refuse in one sentence what comes too early', async () => {
    const cwd = await temporaryFolder();
    await writeImageSet(path.join(cwd, 'imageset.yaml'), {});
    await writeSite(cwd, { addresses: ['127.0.0.1'], mode: 'embedded', ports: await freeSitePorts() });
    for (const verb of ['emit', 'check']) {
      const ending = await airlock([verb], { cwd });
      expect(ending.exitCode, tell(ending)).toBe(1);
      expect(ending.stderr).toContain('airlock load');
    }
  });
});

describe('content that cannot be had', () => {
  test('an unreachable registry ends plan and build with 3', async () => {
    await writeImageSet(path.join(folder, 'away.yaml'), { release: false, images: ['127.0.0.1:1/kitchen/oven:1'] });
    const args = ['-c', 'away.yaml', '--retry-times', '0', '--src-tls-verify=false', '-o', 'json', 'away'];
    for (const verb of ['plan', 'build']) {
      const ending = await airlock([verb, ...args], options);
      expect(ending.exitCode, tell(ending)).toBe(3);
      expect(ending.stdout).toContain('127.0.0.1:1');
      JSON.parse(ending.stdout);
    }
  });

  test('a missing image ends plan and build with 5, names it, and seals nothing', async () => {
    await writeImageSet(path.join(folder, 'part.yaml'), {
      release: false,
      images: [toolbox, 'registry.example.com/kitchen/oven:1'],
    });
    for (const verb of ['plan', 'build']) {
      const ending = await airlock([verb, '-c', 'part.yaml', ...source.flags, 'part'], options);
      expect(ending.exitCode, tell(ending)).toBe(5);
      expect(ending.stdout).toContain('registry.example.com/kitchen/oven:1');
    }
    const result = await airlock(['build', '-c', 'part.yaml', ...source.flags, 'part', '-o', 'json'], options);
    expect(JSON.parse(result.stdout)).toMatchObject({ state: 'incomplete', errorBits: 8 });
    expect((await readdir(path.join(folder, 'part'))).filter((name) => /^gen-\d+$/.test(name))).toEqual([]);
  });

  test('a missing release image ends plan and build with 3', async () => {
    const digest = source.content.images.find((one) => one.tag === '4.20.1-etcd')?.image.descriptor.digest.slice(7);
    const revisions =
      'docker/registry/v2/repositories/openshift-release-dev/ocp-v4.0-art-dev/_manifests/revisions/sha256';
    const [there, away] = [path.join(source.storage, revisions, digest ?? ''), path.join(folder, 'etcd')];
    await cp(there, away, { recursive: true });
    await rm(there, { recursive: true });
    try {
      for (const verb of ['plan', 'build']) {
        const ending = await airlock([verb, '-c', 'imageset.yaml', ...source.flags, 'lame', '-o', 'json'], options);
        expect(ending.exitCode, tell(ending)).toBe(3);
        expect(JSON.parse(ending.stdout)).toMatchObject({ state: 'failed' });
      }
    } finally {
      await cp(away, there, { recursive: true });
    }
  });

  test('a damaged bundle ends verify and load with 1', async () => {
    const damaged = path.join(folder, 'damaged');
    await cp(bundle, damaged, { recursive: true });
    const volume = await open(path.join(damaged, 'mirror_000001.tar'), 'r+');
    const { size } = await volume.stat();
    await volume.write(Buffer.from([0x5a, 0xa5, 0x5a]), 0, 3, Math.floor(size / 2));
    await volume.close();
    for (const args of [
      ['verify', damaged],
      ['load', damaged, `storage:${folder}/never`],
    ]) {
      const ending = await airlock(args, options);
      expect(ending.exitCode, tell(ending)).toBe(1);
    }
  });

  test('a run that meets another in the same folder ends with 3 and names it', async () => {
    const slow = ['build', '-c', 'tools.yaml', ...source.flags, '--max-bandwidth', '20KB', 'shared'];
    const first = await startAirlock([...slow, '--log-format', 'json'], options);
    await first.said(/"stage":"(?:plan|build)"/);
    const second = await airlock(slow, options);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(second.exitCode, tell(second)).toBe(3);
    expect(second.stderr).toContain('airlock build');
  });
});

describe('output', () => {
  test.each([
    ['a result', ['plan', '-c', 'tools.yaml', 'json'], 0],
    ['findings', ['lint', 'bad.yaml'], 1],
    ['an unknown flag', ['plan', '--imagset', 'x'], 2],
    ['a bad configuration', ['plan', '-c', 'bad.yaml', 'x'], 2],
    ['a missing file', ['verify', 'nowhere'], 2],
  ] as const)('-o json prints exactly one document for %s', async (_title, args, exitCode) => {
    const flags = args[0] === 'plan' && exitCode === 0 ? source.flags : [];
    const ending = await airlock([...args, ...flags, '-o', 'json'], options);
    expect(ending.exitCode, tell(ending)).toBe(exitCode);
    const document: unknown = JSON.parse(ending.stdout);
    if (exitCode === 2) expect(document).toMatchObject({ error: { code: expect.stringMatching(/^[A-Z_]+$/) } });
  });

  test.each([
    ['a build', ['build', '-c', 'tools.yaml', 'ndjson'], 0],
    ['an error', ['verify', 'nowhere'], 2],
  ] as const)(
    '--log-format json makes every line of standard error an object, for %s',
    async (_title, args, exitCode) => {
      const flags = args[0] === 'build' ? source.flags : [];
      const ending = await airlock([...args, ...flags, '--log-format', 'json'], options);
      expect(ending.exitCode, tell(ending)).toBe(exitCode);
      const lines = ending.stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(line).toMatchObject({ time: expect.any(String), state: expect.any(String) });
    },
  );

  test.each(['stdout', 'stderr'] as const)('a reader of %s that goes away ends nothing', async (stream) => {
    const out = path.join(folder, `unread-${stream}`);
    const args = ['build', '-c', 'imageset.yaml', ...source.flags, '--log-format', 'json', '-o', 'json', out];
    const { child, ended } = await startAirlock(args, options);
    child[stream]?.destroy();
    const ending = await ended;
    expect(ending.exitCode, tell(ending)).toBe(0);
    expect(ending.stderr).not.toContain('EPIPE');
    expect(await readdir(out)).toContain('gen-000001');
  });

  test('a result that cannot be written ends with 3 and says so, and messages that cannot be do no harm', async () => {
    const inspect = ['inspect', bundle];
    const full = (to: string): readonly string[] => ['sh', '-c', `exec "$@" ${to}/dev/full`, 'sh'];
    const result = await airlock(inspect, { ...options, via: full('>') });
    expect(result.exitCode, tell(result)).toBe(3);
    expect(result.stderr).toMatch(/^error: the result cannot be written to standard output: .*no space left/i);
    const messages = await airlock(['build', '-c', 'tools.yaml', ...source.flags, 'unsaid'], {
      ...options,
      via: full('2>'),
    });
    expect(messages.exitCode, tell(messages)).toBe(0);
  });

  test('--log-file keeps messages with their time, the ending, and no credentials', async () => {
    const log = path.join(folder, 'logs/own.log');
    const good = await airlock(['build', '-c', 'tools.yaml', ...source.flags, 'logged', '--log-file', log], options);
    expect(good.exitCode, tell(good)).toBe(0);
    const bad = await airlock(['verify', 'nowhere', '--need-list', 'https://me:s3cret@x', '--log-file', log], options);
    expect(bad.exitCode, tell(bad)).toBe(2);
    expect(bad.stderr).toContain(`log: ${log}`);
    const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z /);
    const text = lines.map((line) => line.slice(25)).join('\n');
    expect(text).toMatch(/^airlock \d.*: build -c tools\.yaml/);
    expect(text).toContain('info build: using the built-in engine');
    expect(text).toContain('generation 1: complete');
    expect(text).toMatch(/\nended with exit 0\nairlock .*: verify /);
    expect(text).toMatch(/: verify nowhere .*\nerror BUNDLE_NOT_FOUND: .*\n.*ended with exit 2$/s);
    expect(text).not.toContain('s3cret');
    expect((await stat(log)).mode & 0o777).toBe(0o600);
    const unwritable = await airlock(['build', '-c', 'tools.yaml', 'x', '--log-file', '/dev/null/x.log'], options);
    expect(unwritable.exitCode, tell(unwritable)).toBe(3);
    expect(unwritable.stderr).toContain('/dev/null/x.log');
  });

  test('must-gather takes what lies on a connected host without a site file', async () => {
    const log = path.join(folder, 'gather.log');
    const part = await airlock(['build', '-c', 'imageset.yaml', ...source.flags, 'out', '--log-file', log], options);
    expect(part.exitCode, tell(part)).toBe(0);
    const args = [
      'must-gather',
      'connected.tar.gz',
      '--dir',
      'out',
      '-c',
      'imageset.yaml',
      '--log-file',
      log,
      '-o',
      'json',
    ];
    const ending = await airlock(args, options);
    expect(ending.exitCode, tell(ending)).toBe(0);
    const { entries } = JSON.parse(ending.stdout) as { entries: readonly { path: string; problem?: string }[] };
    expect(entries.filter((entry) => entry.problem)).toEqual([]);
    expect(entries.map((entry) => entry.path)).toEqual([
      ...['version.json', 'imageset.yaml', 'build/folders.json', 'build/records.json'],
      ...['build/gen-000001-result.json', 'run.log'],
    ]);
    const { stdout } = await run('tar', ['-xzOf', path.join(folder, 'connected.tar.gz')]);
    for (const word of ['gen-000001/mirror_000001.tar', '"generation": 1', 'ended with exit 0', '"state": "complete"'])
      expect(stdout).toContain(word);
    const nothing = await airlock(['must-gather'], { ...options, cwd: await temporaryFolder() });
    expect([nothing.exitCode, nothing.stderr]).toEqual([2, expect.stringContaining('no site file')]);
  });

  test('--no-progress leaves only what matters on standard error', async () => {
    const ending = await airlock(['verify', bundle, '--no-progress'], options);
    expect([ending.exitCode, ending.stderr]).toEqual([0, '']);
  });
});

describeReal('output on a terminal', ['script'], () => {
  const onTerminal = async (flags: readonly string[], env: Record<string, string>): Promise<Ending> => {
    const command = '"$NODE" "$MAIN" verify "$BUNDLE" $FLAGS';
    const main = path.resolve(import.meta.dirname, '../../dist/cli/main.js');
    const started = Date.now();
    const given = { PATH: process.env['PATH'], HOME: folder, NODE: process.execPath, MAIN: main, BUNDLE: bundle };
    const { stdout } = await run('script', ['-qec', command, '/dev/null'], {
      env: { ...given, TERM: 'xterm', FLAGS: flags.join(' '), ...env },
    });
    return { exitCode: 0, signal: null, stdout, stderr: '', durationMs: Date.now() - started };
  };

  test.each([
    ['--no-progress and NO_COLOR', ['--no-progress'], { NO_COLOR: '1' }],
    ['TERM=dumb', [], { TERM: 'dumb' }],
    ['CI', ['--no-color'], { CI: 'true' }],
  ] as const)('has no control codes with %s', async (_title, flags, env) => {
    const { stdout } = await onTerminal(flags, env);
    expect(stdout).toContain('whole');
    expect(stdout).not.toContain('\u001b');
  });
});

describeRoot('folders of others', ['setpriv'], () => {
  test('a folder that cannot be written to ends build with 3 and names it', async () => {
    const closed = await temporaryFolder();
    await chmod(closed, 0o555);
    await chmod(folder, 0o755);
    const via = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
    const out = path.join(closed, 'out');
    const ending = await airlock(['build', '-c', 'tools.yaml', ...source.flags, out], { ...options, via });
    expect(ending.exitCode, tell(ending)).toBe(3);
    expect(ending.stderr).toContain(closed);
    expect(ending.stderr).not.toContain('bug');
  });
});

describe('load, again and again', () => {
  test('does nothing the second time and says so', async () => {
    const args = ['load', bundle, `storage:${path.join(folder, 'twice')}`];
    const first = await airlock(args, options);
    expect(first.exitCode, tell(first)).toBe(0);
    expect(first.stdout).toContain('loaded');
    const second = await airlock(args, options);
    expect(second.exitCode, tell(second)).toBe(0);
    expect(second.stdout).toContain('nothing to do');
  });

  test('build does nothing the second time and says so', async () => {
    const again = await airlock(['build', '-c', 'imageset.yaml', ...source.flags, 'out'], options);
    expect(again.exitCode, tell(again)).toBe(0);
    expect(again.stdout).toContain('nothing new');
    expect((await readdir(path.join(folder, 'out'))).filter((name) => name.startsWith('gen-'))).toEqual(['gen-000001']);
  });
});

describe('a second generation', () => {
  test('carries what is new, is refused without the first, and loads after it or with it', async () => {
    const build = async (images: string[]): Promise<void> => {
      await writeImageSet(path.join(folder, 'grown.yaml'), { release: images.length > 1, images });
      const ending = await airlock(['build', '-c', 'grown.yaml', ...source.flags, 'grown'], options);
      expect(ending.exitCode, tell(ending)).toBe(0);
    };
    await build([toolbox]);
    await build([toolbox, 'quay.example.com/openshift-release-dev/ocp-v4.0-art-dev:4.20.1-etcd']);
    expect((await readdir(path.join(folder, 'grown'))).filter((name) => name.startsWith('gen-'))).toHaveLength(2);
    const alone = await airlock(['load', 'grown/gen-000002', 'storage:alone', '-o', 'json'], options);
    expect(alone.exitCode, tell(alone)).toBe(1);
    expect(JSON.parse(alone.stdout)).toMatchObject({ error: { code: 'BASE_MISSING' } });
    for (const [bundles, target] of [
      [['grown/gen-000001', 'grown/gen-000002'], 'storage:ordered'],
      [['grown'], 'storage:chain'],
    ] as const)
      for (const one of bundles) {
        const ending = await airlock(['load', one, target], options);
        expect(ending.exitCode, tell(ending)).toBe(0);
      }
    const same = ['chain', 'ordered'].map((name) => listTree(path.join(folder, name, 'docker')));
    expect(await same[0]).toEqual(await same[1]);
  });
});

describeReal('registry serve', ['skopeo'], () => {
  const references = (): string[] =>
    source.content.images.map(({ repository, image, tag }) =>
      repository.startsWith('openshift-release-dev')
        ? `openshift/${tag === '4.20.1-multi' ? 'release-images:4.20.1-multi' : `release@${image.descriptor.digest}`}`
        : `${repository}:${tag}`,
    );

  test.each(['storage', 'bundle'] as const)(
    'prints its URL and serves a %s to skopeo until it is interrupted',
    async (kind) => {
      const served = kind === 'bundle' ? bundle : path.join(folder, 'served');
      if (kind === 'storage') {
        const load = await airlock(['load', bundle, `storage:${served}`], options);
        expect(load.exitCode, tell(load)).toBe(0);
      }
      const { child, ended, said } = await startAirlock(
        ['registry', 'serve', `--${kind}`, served, '--listen', '127.0.0.1:0'],
        options,
      );
      try {
        const url = await said(/^http:\/\/127\.0\.0\.1:\d+$/m);
        const copies = references().map((name, at) =>
          run('skopeo', [
            'copy',
            '--all',
            '-q',
            '--src-tls-verify=false',
            `docker://${url.slice(7)}/${name}`,
            `dir:${folder}/${kind}-${at}`,
          ]),
        );
        await Promise.all(copies);
      } finally {
        child.kill('SIGINT');
      }
      const ending = await ended;
      expect(ending.exitCode, tell(ending)).toBe(130);
      expect(ending.stdout.trim().split('\n')).toHaveLength(1);
    },
  );
});

describeReal('load into a real registry', ['docker-registry', 'htpasswd', 'skopeo', 'openssl'], () => {
  test('pushes everything over plain HTTP, does nothing the second time, and writes the resources of oc-mirror', async () => {
    const registry = await startDockerRegistry();
    const output = path.join(await temporaryFolder(), 'cluster-resources');
    const args = [
      'load',
      bundle,
      `docker://${registry.host}/mirror`,
      '--dest-tls-verify=false',
      '--output-dir',
      output,
    ];
    const first = await airlock(args, options);
    expect(first.exitCode, tell(first)).toBe(0);
    expect((await readdir(output)).sort()).toEqual([
      'idms-oc-mirror.yaml',
      'itms-oc-mirror.yaml',
      'signature-configmap.json',
      'signature-configmap.yaml',
    ]);
    expect(await readFile(path.join(output, 'idms-oc-mirror.yaml'), 'utf8')).toContain(
      `${registry.host}/mirror/openshift/release`,
    );
    const second = await airlock(args, options);
    expect(second.exitCode, tell(second)).toBe(0);
    expect(second.stdout).toContain('nothing to do');
    const name = `docker://${registry.host}/mirror/openshift/release-images:4.20.1-multi`;
    await run('skopeo', ['copy', '--all', '-q', '--src-tls-verify=false', name, `dir:${path.join(output, 'release')}`]);
  });

  test('pushes over TLS with a login, and ends with 3 where it may not', async () => {
    const tls = await makeCertificate();
    const user = { name: 'cook', password: 'spoon and ladle' };
    const registry = await startDockerRegistry({ tls, user });
    const cwd = await temporaryFolder();
    await mkdir(path.join(cwd, 'working-dir'));
    const authFile = path.join(cwd, 'auth.json');
    const auth = Buffer.from(`${user.name}:${user.password}`).toString('base64');
    await writeFile(authFile, JSON.stringify({ auths: { [registry.host]: { auth } } }));
    await writeFile(path.join(cwd, 'ca.pem'), tls.cert);
    const args = ['load', bundle, `docker://${registry.host}`, '--retry-times', '0'];
    const noCa = await airlock([...args, '--authfile', authFile], { cwd });
    expect(noCa.exitCode, tell(noCa)).toBe(3);
    expect(noCa.stderr).toContain('certificate');
    const noLogin = await airlock([...args, '--dest-ca-file', 'ca.pem'], { cwd });
    expect(noLogin.exitCode, tell(noLogin)).toBe(3);
    const good = [...args, '--dest-ca-file', 'ca.pem', '--authfile', authFile];
    const first = await airlock(good, { cwd });
    expect(first.exitCode, tell(first)).toBe(0);
    expect(`${first.stdout}${first.stderr}`).not.toContain(user.password);
    const second = await airlock(good, { cwd });
    expect([second.exitCode, second.stdout], tell(second)).toEqual([0, expect.stringContaining('nothing to do')]);
    expect(await readdir(path.join(cwd, 'working-dir/cluster-resources'))).toContain('idms-oc-mirror.yaml');
  });
});
