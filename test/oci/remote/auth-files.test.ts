import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import {
  authEnvironment,
  createAuthFiles,
  credentialsFromAuthJson,
  describeCredentials,
} from '../../../src/oci/index.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { listeningRun } from './helpers.ts';

const run = quietRun();
const auth = (user: string, password = 'secret') => ({ auth: Buffer.from(`${user}:${password}`).toString('base64') });

async function userOf(text: object, registry: string, repository = 'ns/name'): Promise<string | undefined> {
  const found = await credentialsFromAuthJson(JSON.stringify(text), 'pull-secret').find(registry, repository, run);
  return found?.credential.kind === 'password' ? found.credential.username : found?.credential.kind;
}

describe('authEnvironment', () => {
  test('looks where the containers tools look, in their order', () => {
    const user = { homeDir: '/home/cook', uid: 1000 };
    expect(authEnvironment({ XDG_RUNTIME_DIR: '/run/user/1000' }, user).defaultFiles).toEqual([
      '/run/user/1000/containers/auth.json',
      '/home/cook/.config/containers/auth.json',
      '/home/cook/.docker/config.json',
      '/home/cook/.dockercfg',
    ]);
    expect(authEnvironment({ XDG_CONFIG_HOME: '/c', DOCKER_CONFIG: '/d', REGISTRY_AUTH_FILE: '/r' }, user)).toEqual({
      registryAuthFile: '/r',
      defaultFiles: [
        '/run/containers/1000/auth.json',
        '/c/containers/auth.json',
        '/d/config.json',
        '/home/cook/.dockercfg',
      ],
    });
  });
});

describe('entries', () => {
  test('the longest key that covers whole path elements decides', async () => {
    const file = {
      auths: {
        'r.example:5000': auth('all'),
        'r.example:5000/ns': auth('ns'),
        'r.example:5000/ns/name/deep': auth('deep'),
      },
    };
    expect(await userOf(file, 'r.example:5000', 'ns/name')).toBe('ns');
    expect(await userOf(file, 'r.example:5000', 'ns/name/deep')).toBe('deep');
    expect(await userOf(file, 'r.example:5000', 'nsx')).toBe('all');
    expect(await userOf(file, 'r.example', 'ns/name')).toBeUndefined();
    expect(await userOf(file, 'r.example:5001', 'ns')).toBeUndefined();
  });

  test.each(['docker.io', 'index.docker.io', 'https://index.docker.io/v1/', 'registry-1.docker.io'])(
    '%s is Docker Hub',
    async (key) => {
      expect(await userOf({ auths: { [key]: auth('hub') } }, 'docker.io', 'library/kitchen')).toBe('hub');
    },
  );

  test('old keys are URLs; the format without "auths" too', async () => {
    expect(await userOf({ auths: { 'https://r.example/v1/': auth('old') } }, 'r.example')).toBe('old');
    expect(await userOf({ 'https://r.example/v1/': auth('older') }, 'r.example')).toBe('older');
  });

  test('passwords may hold colons; tokens of either kind are taken', async () => {
    const source = credentialsFromAuthJson(JSON.stringify({ auths: { r: auth('cook', 'a:b:c') } }), 'x');
    expect((await source.find('r', 'n', run))?.credential).toEqual({
      kind: 'password',
      username: 'cook',
      password: 'a:b:c',
    });
    expect(await userOf({ auths: { r: { identitytoken: 't' } } }, 'r')).toBe('identity');
    expect(await userOf({ auths: { r: { registrytoken: 't' } } }, 'r')).toBe('bearer');
    expect(await userOf({ auths: { r: { username: 'u', password: 'p' } } }, 'r')).toBe('u');
    expect(await userOf({ auths: { r: {} } }, 'r')).toBeUndefined();
  });

  test('a broken entry is an error for its registry only', async () => {
    const file = { auths: { bad: { auth: Buffer.from('nocolon').toString('base64') }, good: auth('cook') } };
    expect(await userOf(file, 'good')).toBe('cook');
    await expect(userOf(file, 'bad')).rejects.toMatchObject({ code: 'AUTHFILE_INVALID' });
  });

  test.each(['[]', 'null', '{', '"x"'])('%s is no file of credentials', (text) => {
    expect(() => credentialsFromAuthJson(text, 'x')).toThrow(expect.objectContaining({ code: 'AUTHFILE_INVALID' }));
  });
});

describe('createAuthFiles', () => {
  test('the first file with an entry decides, and is named once per registry', async () => {
    const folder = await temporaryFolder();
    const [first, second] = [path.join(folder, 'a.json'), path.join(folder, 'b.json')];
    await writeFile(first, JSON.stringify({ auths: { r: auth('first') } }));
    await writeFile(second, JSON.stringify({ auths: { r: auth('second'), s: auth('other') } }));
    const source = createAuthFiles({ defaultFiles: [path.join(folder, 'none'), first, second] });
    const { run: listening, events } = listeningRun();
    expect(await source.find('r', 'n', listening)).toMatchObject({ origin: first, credential: { username: 'first' } });
    expect(await source.find('s', 'n', listening)).toMatchObject({ origin: second });
    await source.find('r', 'n', listening);
    expect(events).toEqual([
      { stage: 'plan', state: 'log', level: 'info', message: `r: using credentials r from ${first}` },
      { stage: 'plan', state: 'log', level: 'info', message: `s: using credentials s from ${second}` },
    ]);
    expect(await describeCredentials(source, 'r', 'n', run)).toBe(`r: user first, from r in ${first}`);
    expect(await describeCredentials(source, 't', 'n', run)).toBe('t: anonymous, no credentials found');
  });

  test('a named file alone counts, and has to be readable', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'auth.json');
    await writeFile(file, JSON.stringify({ auths: { r: auth('cook') } }));
    expect(await createAuthFiles({ registryAuthFile: '/none', authFile: file }).find('r', 'n', run)).toBeDefined();
    expect(
      await createAuthFiles({ registryAuthFile: file, defaultFiles: ['/none'] }).find('s', 'n', run),
    ).toBeUndefined();
    for (const options of [{ authFile: '/none' }, { registryAuthFile: '/none', defaultFiles: [file] }])
      await expect(createAuthFiles(options).find('r', 'n', run)).rejects.toMatchObject({ code: 'AUTHFILE_UNREADABLE' });
    await expect(createAuthFiles({ authFile: folder }).find('r', 'n', run)).rejects.toMatchObject({
      code: 'AUTHFILE_UNREADABLE',
    });
  });

  test('credential helpers and stores are asked over stdin', async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'bin'));
    const helper = path.join(folder, 'bin/docker-credential-larder');
    const script = [
      '#!/bin/sh',
      'read -r server',
      'case "$server" in',
      '  r) echo \'{"Username":"cook","Secret":"s"}\' ;;',
      '  https://index.docker.io/v1/) echo \'{"Username":"<token>","Secret":"t"}\' ;;',
      '  broken) echo oops >&2; exit 1 ;;',
      '  *) echo "credentials not found in native keychain"; exit 1 ;;',
      'esac',
    ];
    await writeFile(helper, script.join('\n'));
    await chmod(helper, 0o755);
    const file = path.join(folder, 'config.json');
    await writeFile(
      file,
      JSON.stringify({ auths: { r: {} }, credHelpers: { broken: 'larder', evil: '../../x' }, credsStore: 'larder' }),
    );
    const helperEnv = { PATH: `${path.join(folder, 'bin')}:/usr/bin:/bin` };
    const source = createAuthFiles({ authFile: file, helperEnv });
    expect((await source.find('r', 'n', run))?.credential).toEqual({
      kind: 'password',
      username: 'cook',
      password: 's',
    });
    expect((await source.find('docker.io', 'n', run))?.credential).toEqual({ kind: 'identity', token: 't' });
    expect(await source.find('other', 'n', run)).toBeUndefined();
    await expect(source.find('broken', 'n', run)).rejects.toMatchObject({ code: 'CREDENTIAL_HELPER_FAILED' });
    await expect(source.find('evil', 'n', run)).rejects.toMatchObject({ code: 'CREDENTIAL_HELPER_FAILED' });
  });
});
