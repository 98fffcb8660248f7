import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openArchive, openBundle, verifyBundle } from '../../../src/bundle/index.ts';
import { quietRun } from '../../../src/core/run.ts';
import { digestHex } from '../../../src/oci/index.ts';
import { describeShared } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { playBuild, serveBootImages, standIn } from './golden-run.ts';

const plain = '01-additional/1-m2d';

describeShared('the traps of oc-mirror', 'golden', (golden) => {
  test('REGISTRY_ variables do not reach it, and REGISTRY_AUTH_FILE becomes --authfile', async () => {
    const played = await playBuild(golden, plain);
    const env = {
      REGISTRY_AUTH_FILE: '/nowhere/auth.json',
      REGISTRY_HTTP_ADDR: ':1',
      OC_MIRROR_CACHE: path.join(played.folder, 'kept'),
    };
    expect((await played.build({ env })).state).toBe('complete');
    const call = played.calls().find((one) => one.args?.includes('--v2'));
    expect(call?.args).toEqual(
      expect.arrayContaining(['--authfile', '/nowhere/auth.json', '--cache-dir', env.OC_MIRROR_CACHE]),
    );
    expect(Object.keys(call?.env ?? {})).toEqual(['OCP_SIGNATURE_VERIFICATION_PK']);
  });

  test('a port that is taken in between is left for another one', async () => {
    const played = await playBuild(golden, plain);
    const busy = path.join(await temporaryFolder(), 'busy');
    await writeFile(busy, '');
    expect((await played.build({ env: { STAND_IN_PORT_BUSY: busy } })).state).toBe('complete');
    const ports = played
      .calls()
      .flatMap((call) => (call.args?.includes('--v2') ? [call.args[call.args.indexOf('-p') + 1]] : []));
    expect(ports).toHaveLength(2);
  });

  test('an umask of the user does not reach it', async () => {
    const played = await playBuild(golden, plain);
    const before = process.umask(0o077);
    const result = await played.build().finally(() => process.umask(before));
    expect(result.state).toBe('complete');
  });

  test.for(['/catalogs/out', '/x/helm-charts'])(
    'a folder such as %s is refused before anything runs',
    async (below) => {
      const played = await playBuild(golden, plain);
      const folder = path.join(played.folder, below);
      await expect(played.build({ request: { folder } })).rejects.toMatchObject({ code: 'OC_MIRROR_FOLDER_REFUSED' });
      expect(played.calls().filter((call) => call.args?.includes('--v2'))).toEqual([]);
    },
  );

  test('an archive without its last member is the rest of a failed build', async () => {
    const played = await playBuild(golden, plain);
    // Cut between two members, and closed as the real one closes what it gives up.
    const whole = path.join(golden, 'cases/01-additional/1-m2d/01.tar');
    const bytes = readFileSync(whole);
    const last = bytes.lastIndexOf('isc_2026');
    await expect(played.build({ env: { STAND_IN_TRUNCATE: String(last - (last % 512)) } })).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      message: expect.stringContaining('isc_'),
    });
    expect(readdirSync(played.folder)).not.toContain('gen-000001');
  });

  test('a damaged blob is noticed before the bundle gets its name', async () => {
    const played = await playBuild(golden, plain);
    const tar = readFileSync(path.join(golden, 'cases/01-additional/1-m2d/01.tar'));
    // The name stands in the header block of the first blob.
    const data = (Math.floor(tar.indexOf('docker/registry/v2/blobs/') / 512) + 1) * 512;
    await expect(played.build({ env: { STAND_IN_FLIP: String(data) } })).rejects.toMatchObject({
      code: 'BUNDLE_DAMAGED',
      details: { volume: 'mirror_000001.tar', offset: data },
    });
    expect(existsSync(path.join(played.folder, 'gen-000001'))).toBe(false);
    // The next run has the archive written anew.
    expect((await played.build()).state).toBe('complete');
  });

  test.for(['mirror_000000.tar', 'mirror_000001.tar'])('a flipped byte of %s is found later', async (name) => {
    const played = await playBuild(golden, plain);
    const { folder } = await played.build();
    const file = await open(path.join(folder, name), 'r+');
    const at = Math.floor((await file.stat()).size / 2);
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    await file.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
    await file.close();
    const [bundle] = await openBundle(folder, quietRun());
    if (!bundle) throw new Error('no bundle');
    expect((await verifyBundle(bundle, {}, quietRun())).damages).toMatchObject([{ volume: name }]);
  });

  test('what fails leaves its logs, an incomplete result and its own exit bits', async () => {
    const played = await playBuild(golden, '13a-missing-additional/1-m2d');
    const result = await played.build();
    expect(result).toMatchObject({
      state: 'incomplete',
      errorBits: 8,
      missing: [{ type: 'generic', origin: 'registry.example.com/acme/widgets:9.9', code: 'OC_MIRROR_IMAGE_MISSING' }],
    });
    const logs = result.notes.find((note) => note.code === 'OC_MIRROR_LOGS')?.subject ?? '';
    expect(readdirSync(logs).sort()).toEqual([
      'mirroring_errors_STAMP.txt',
      'oc-mirror-20261122_042741.log',
      'output.log',
    ]);
    expect(readFileSync(path.join(logs, 'output.log'), 'utf8')).toContain('widgets:9.9');
    const fixed = await played.build({ step: plain });
    expect(fixed.state).toBe('complete');
  });

  test.for([
    ['02i-release-badversion/1-m2d', 'CONFIG_INVALID'],
    ['02g-release-unsigned-cosign/1-m2d', 'OC_MIRROR_FAILED'],
    ['07g-blocked-all/1-m2d', 'NOTHING_SELECTED'],
  ] as const)('%s ends in %s, and nothing is sealed', async ([step, code]) => {
    const played = await playBuild(golden, step);
    await expect(played.build()).rejects.toMatchObject({ code });
    expect(existsSync(path.join(played.folder, 'gen-000001'))).toBe(false);
  });

  test('an interrupted run ends the binary and seals nothing', async () => {
    const played = await playBuild(golden, plain);
    const abort = new AbortController();
    const run = {
      signal: abort.signal,
      report: (event: { readonly state: string }) => {
        if (event.state === 'finished') abort.abort();
      },
    };
    const began = performance.now();
    await expect(played.build({ env: { STAND_IN_LINGER_MS: '30000' }, run })).rejects.toBeDefined();
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(existsSync(path.join(played.folder, 'gen-000001'))).toBe(false);
    expect((await played.build()).state).toBe('complete');
  });

  test('a crash before the record is written costs nothing', async () => {
    const played = await playBuild(golden, plain);
    const { folder } = await played.build();
    const record = path.join(played.folder, '.airlock/generations/000001.json');
    const before = readFileSync(record);
    await rm(record);
    expect(await played.build()).toMatchObject({ state: 'nothing-new', generation: 2 });
    expect(readFileSync(record).equals(before)).toBe(true);
    expect(existsSync(folder)).toBe(true);
  });

  test('earlier generations stay as they are', async () => {
    const played = await playBuild(golden, '08-incremental/1-m2d-build1');
    const first = await played.build();
    const before = readFileSync(path.join(first.folder, 'mirror_000001.tar'));
    await played.build({ step: '08-incremental/2-m2d-build2' });
    expect(readFileSync(path.join(first.folder, 'mirror_000001.tar')).equals(before)).toBe(true);
  });
});

describeShared('RHCOS files beside the archive of oc-mirror', 'golden', (golden) => {
  const selection = (coreosBaseUrl: string) => ({
    coreosArchitectures: ['x86_64'],
    coreosBaseUrl,
    releaseKeyFile: path.join(golden, 'source/release-key.asc'),
    ignoreReleaseSignature: false,
    removeSignatures: false,
  });

  test('lie in the front volume, and a flipped byte of one is found', async () => {
    const played = await playBuild(golden, '02a-release-minmax/1-m2d');
    const result = await played.build({
      request: { selection: selection(await serveBootImages()), toolFile: standIn },
    });
    expect(result.state).toBe('complete');
    const [bundle] = await openBundle(result.folder, quietRun());
    if (!bundle) throw new Error('no bundle');
    const files = bundle.index.files.filter((file) => file.role === 'coreos');
    expect(files.map((file) => [file.volume, file.webPath])).toEqual([[0, '/rhcos/9.6.4.19/x86_64/rhcos-live.iso']]);
    const own = bundle.index.files.filter((file) => file.volume === 0).map((file) => file.path);
    expect(own).toEqual(expect.arrayContaining(['airlock/bin/airlock', 'airlock/imageset.yaml', 'airlock/plan.json']));
    expect(bundle.index.releases.map((release) => [release.version, release.architecture, release.signature])).toEqual([
      ['4.19.10', 'amd64', 'verified'],
      ['4.19.8', 'amd64', 'verified'],
      ['4.19.9', 'amd64', 'verified'],
    ]);
    const front = path.join(result.folder, 'mirror_000000.tar');
    const at = readFileSync(front).indexOf(Buffer.from('4.19x86_64'));
    const file = await open(front, 'r+');
    await file.write(Buffer.from('5'), 0, 1, at);
    await file.close();
    const report = await verifyBundle(bundle, {}, quietRun());
    expect(report.damages).toMatchObject([
      { volume: 'mirror_000000.tar', offset: at, member: 'airlock/rhcos/9.6.4.19/x86_64/rhcos-live.iso' },
    ]);
  });

  test('that cannot be had leave the build incomplete; run again, oc-mirror need not run again', async () => {
    const played = await playBuild(golden, '02a-release-minmax/1-m2d');
    const base = await serveBootImages(() => undefined);
    const first = await played.build({ request: { selection: selection(base) } });
    expect(first).toMatchObject({ state: 'incomplete', missing: [{ type: 'coreos' }] });
    const again = await played.build({ request: { selection: selection(await serveBootImages()) } });
    expect(again.state).toBe('complete');
    expect(played.calls().filter((call) => call.args?.includes('--v2'))).toHaveLength(1);
  });
});

describeShared('tools beside the archive of oc-mirror', 'golden', (golden) => {
  const step = '02a-release-minmax/1-m2d';

  test('lie in the front volume', async () => {
    const played = await playBuild(golden, step);
    const result = await played.build({ request: { tools: [`ladle=${standIn}`] } });
    expect(result).toMatchObject({ state: 'complete', missing: [] });
    const [bundle] = await openBundle(result.folder, quietRun());
    const tools = bundle?.index.files.filter((file) => file.role === 'tool');
    expect(tools).toMatchObject([
      { path: 'airlock/tools/ladle', volume: 0, mode: 0o755, size: readFileSync(standIn).length },
    ]);
  });

  test('are looked for in the layers that the archive holds, and what no image has is missing', async () => {
    const played = await playBuild(golden, step);
    const result = await played.build({ request: { tools: ['oc'] } });
    // Without a network: an image of the release was read out of the archive, and has no such file.
    expect(result).toMatchObject({ state: 'incomplete', missing: [{ type: 'tool', code: 'TOOL_MISSING' }] });
    // The archive has the layers; beside it they would take their room once more.
    const kept = readdirSync(path.join(played.folder, '.airlock/blobs/sha256'));
    const { index } = await openArchive(path.join(played.folder, 'gen-000001.partial'), quietRun());
    const carried = new Set(index.blobs.map(({ digest }) => digestHex(digest)));
    expect(kept.filter((hex) => carried.has(hex))).toEqual([]);
  });
});

describeShared('choosing the engine', 'golden', (golden) => {
  const auto = { engine: 'auto' } as const;

  test('asked for and not installed is an error with the next step', async () => {
    const played = await playBuild(golden, plain);
    const request = { engine: { engine: 'oc-mirror' } } as const;
    await expect(played.build({ env: { PATH: '/nowhere' }, request })).rejects.toMatchObject({
      code: 'OC_MIRROR_NOT_FOUND',
      hint: expect.stringContaining('--engine builtin'),
    });
  });

  test('not asked for and not installed, the built-in one is used, and the log says so', async () => {
    const played = await playBuild(golden, plain);
    await played.build({ env: { PATH: '/nowhere' }, request: { engine: auto } }).catch(() => {});
    const logs = played.events.flatMap((event) => (event.state === 'log' ? [event.message] : []));
    expect(logs).toEqual(
      expect.arrayContaining([expect.stringMatching(/^using the built-in engine: there is no oc-mirror/)]),
    );
    expect(played.calls()).toEqual([]);
  });

  test('not asked for, it is not used for a folder that it would refuse; asked for, that is an error', async () => {
    const played = await playBuild(golden, plain);
    const env = { OC_MIRROR: standIn };
    const folder = path.join(await temporaryFolder(), 'catalogs');
    await played.build({ env, request: { engine: auto, folder } }).catch(() => {});
    const logs = played.events.flatMap((event) => (event.state === 'log' ? [event.message] : []));
    expect(logs).toEqual(expect.arrayContaining([expect.stringMatching(/^using the built-in engine: .*"logs"/)]));
    expect(played.calls()).toEqual([]);
    await expect(played.build({ request: { folder } })).rejects.toMatchObject({ code: 'OC_MIRROR_FOLDER_REFUSED' });
  });

  test('a plan in the workspace is built by the engine that made it', async () => {
    const played = await playBuild(golden, plain);
    await mkdir(path.join(played.folder, '.airlock'), { recursive: true });
    await writeFile(path.join(played.folder, '.airlock/plan.json'), '{}');
    await played.build({ env: { OC_MIRROR: standIn }, request: { engine: auto } }).catch(() => {});
    expect(played.calls()).toEqual([]);
  });

  test('OC_MIRROR comes before PATH', async () => {
    const played = await playBuild(golden, plain);
    expect((await played.build({ env: { OC_MIRROR: standIn }, request: { engine: auto } })).engine).toBe('oc-mirror');
  });

  test.for([
    ['{"clientVersion":{"gitVersion":"v4.17.9"}}', 'OC_MIRROR_UNUSABLE'],
    ['oc-mirror version v2.0.0', 'OC_MIRROR_UNUSABLE'],
  ] as const)('a binary that says %s is refused', async ([said, code]) => {
    const played = await playBuild(golden, plain);
    await expect(played.build({ env: { STAND_IN_VERSION: said } })).rejects.toMatchObject({ code });
  });

  test('one of 4.18 gets no flag that it does not know, and what needs such a flag is refused', async () => {
    const played = await playBuild(golden, plain);
    const version =
      'WARNING: this version information is deprecated\n{"clientVersion":{"gitVersion":"4.18.0-202502260503.p0"}}';
    const env = { STAND_IN_VERSION: version };
    const selection = { coreosArchitectures: [], ignoreReleaseSignature: false, removeSignatures: true };
    expect((await played.build({ env, request: { selection } })).state).toBe('complete');
    const calls = played.calls().filter((call) => call.args?.includes('--v2'));
    expect(calls.flatMap((call) => call.args)).not.toContain('--remove-signatures');
    const ignoring = { ...selection, ignoreReleaseSignature: true };
    await expect(played.build({ env, request: { selection: ignoring, replan: true } })).rejects.toMatchObject({
      code: 'OC_MIRROR_FLAG_REFUSED',
    });
  });

  test('a flag that only the built-in engine can follow is refused', async () => {
    const played = await playBuild(golden, plain);
    await expect(played.build({ request: { volumeSizeBytes: 5 } })).rejects.toMatchObject({
      code: 'OC_MIRROR_FLAG_REFUSED',
    });
  });

  test('what the other engine began is not thrown away', async () => {
    const played = await playBuild(golden, plain);
    const { folder } = await (await playBuild(golden, plain)).build();
    const plan = JSON.parse(readFileSync(path.join(folder, 'plan.json'), 'utf8'));
    const partial = path.join(played.folder, 'gen-000001.partial');
    await mkdir(partial, { recursive: true });
    await writeFile(path.join(partial, 'plan.json'), JSON.stringify({ ...plan, engine: 'builtin' }));
    await expect(played.build()).rejects.toMatchObject({ code: 'ENGINE_DIFFERS' });
    expect((await played.build({ request: { replan: true } })).state).toBe('complete');
  });
});
