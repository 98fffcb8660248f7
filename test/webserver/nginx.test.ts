import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { startWebServer, type WebServer } from '../../src/webserver/index.ts';
import { describeReal, findProgram } from '../helpers/real.ts';
import { entryOf } from './serving.ts';

const execute = promisify(execFile);
const content = randomBytes(1_000_000);
const modified = new Date('2026-03-04T05:06:07Z');
let folder: string;
let ours: WebServer;
let theirs: ReturnType<typeof spawn>;
let ports: { ours: number; theirs: number };

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '::1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

describeReal('the web server beside nginx and curl', ['nginx', 'curl', 'sha256sum'], () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'airlock-test-'));
    // nginx started by root reads as another user.
    await chmod(folder, 0o755);
    const file = path.join(folder, 'rhcos', 'a.iso');
    await mkdir(path.dirname(file));
    await writeFile(file, content);
    await utimes(file, modified, modified);
    ports = { ours: 0, theirs: await freePort() };
    await writeFile(
      path.join(folder, 'nginx.conf'),
      `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events {}
http { access_log off; client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3; uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
server { listen [::1]:${ports.theirs}; root ${folder}; } }`,
    );
    theirs = spawn(findProgram('nginx') ?? 'nginx', ['-c', path.join(folder, 'nginx.conf'), '-p', folder], {
      stdio: 'ignore',
    });
    ours = await startWebServer(
      { listen: [{ address: '::1', port: 0 }], files: [entryOf(file, content, '/rhcos/a.iso')], title: 'Kitchen' },
      quietRun(),
    );
    ports.ours = ours.addresses[0]?.port ?? 0;
    await vi.waitFor(() => curl('theirs', '/rhcos/a.iso', '-I'), { timeout: 10_000, interval: 50 });
  });
  afterAll(async () => {
    theirs.kill('SIGTERM');
    await ours.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function curl(who: 'ours' | 'theirs', target: string, ...args: string[]) {
    const headers = path.join(folder, `headers-${who}`);
    const url = `http://[::1]:${ports[who]}${target}`;
    const { stdout } = await execute(
      'curl',
      ['-sS', '-g', '--noproxy', '*', '--path-as-is', '-D', headers, ...args, url],
      { encoding: 'buffer', maxBuffer: 1 << 24 },
    );
    const text = await readFile(headers, 'latin1');
    const header = (name: string): string | undefined => new RegExp(`^${name}: (.*)\r$`, 'im').exec(text)?.[1];
    return { status: Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1]), header, body: stdout };
  }

  test.each([
    ['a whole file', []],
    ['a range', ['-r', '5-99']],
    ['the end', ['-r', '-1000']],
    ['an open range', ['-r', '999000-']],
    ['a range beyond the end', ['-r', '2000000-']],
    ['a range that begins inside', ['-r', '999999-2000000']],
    ['an unknown unit', ['-H', 'Range: lines=0-5']],
    ['an old date', ['-H', 'If-Modified-Since: Tue, 03 Mar 2026 00:00:00 GMT']],
    ['the same date', ['-H', 'If-Modified-Since: Wed, 04 Mar 2026 05:06:07 GMT']],
    ['If-Unmodified-Since before', ['-H', 'If-Unmodified-Since: Tue, 03 Mar 2026 00:00:00 GMT']],
    ['If-Range with the date', ['-r', '0-9', '-H', 'If-Range: Wed, 04 Mar 2026 05:06:07 GMT']],
    ['If-Range with another date', ['-r', '0-9', '-H', 'If-Range: Tue, 03 Mar 2026 00:00:00 GMT']],
    ['If-None-Match with any', ['-H', 'If-None-Match: *']],
    ['If-Match with another', ['-H', 'If-Match: "x"']],
    ['HEAD', ['-I']],
    ['HTTP/1.0', ['-0']],
  ])('answers %s as nginx does', async (_, args) => {
    const [mine, nginx] = [await curl('ours', '/rhcos/a.iso', ...args), await curl('theirs', '/rhcos/a.iso', ...args)];
    expect(mine.status).toBe(nginx.status);
    expect(mine.header('content-range')).toBe(nginx.header('content-range'));
    if (nginx.status < 300) {
      expect(mine.body.equals(nginx.body) || args.includes('-I')).toBe(true);
      for (const name of ['content-length', 'last-modified'])
        expect([name, mine.header(name)]).toEqual([name, nginx.header(name)]);
    }
  });

  test('gives nothing away where nginx gives nothing away', async () => {
    for (const target of [
      '/../nginx.conf',
      '/rhcos/../../etc/passwd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/rhcos%2f..%2f..%2fetc/passwd',
      '/nginx.conf',
    ]) {
      const { status } = await curl('ours', target);
      expect([target, [400, 404].includes(status)]).toEqual([target, true]);
    }
  });

  test('lets curl continue a broken download, and sha256sum agree', async () => {
    const half = path.join(folder, 'download');
    await mkdir(half);
    await writeFile(path.join(half, 'a.iso'), content.subarray(0, 400_000));
    await curl('ours', '/rhcos/a.iso', '-C', '-', '-o', path.join(half, 'a.iso'));
    await curl('ours', '/rhcos/sha256sum.txt', '-o', path.join(half, 'sha256sum.txt'));
    const { stdout } = await execute('sha256sum', ['-c', 'sha256sum.txt'], { cwd: half });
    expect(stdout).toBe('a.iso: OK\n');
  });
});
