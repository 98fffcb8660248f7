import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTar, type TarMember } from '../../src/mirror/layer/tar-reader.ts';
import { tarEnd, tarHeader, tarPadding } from '../../src/mirror/layer/tar-writer.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const longName = `configs/${'long/'.repeat(40)}catalog.json`;

function archive(names: readonly string[]): Buffer {
  const parts = names.flatMap((name) => {
    const content = Buffer.from(`content of ${name}`);
    return [
      tarHeader({ path: name, kind: 'file', sizeBytes: content.length, mode: 0o644 }),
      content,
      tarPadding(content.length),
    ];
  });
  return Buffer.concat([tarHeader({ path: 'configs', kind: 'folder', sizeBytes: 0, mode: 0o755 }), ...parts, tarEnd]);
}

async function read(bytes: Buffer, size: number): Promise<{ members: TarMember[]; contents: string[] }> {
  const members: TarMember[] = [];
  const contents: Buffer[] = [];
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  );
  await readTar(chunks, (member) => {
    members.push(member);
    if (member.kind !== 'file') return undefined;
    const at = contents.push(Buffer.alloc(0)) - 1;
    return (chunk) => {
      contents[at] = Buffer.concat([contents[at] ?? Buffer.alloc(0), chunk]);
    };
  });
  return { members, contents: contents.map(String) };
}

describe('readTar', () => {
  test.each([1, 100, 512, 1000, 1 << 20])('reads what tarHeader writes, in chunks of %i bytes', async (size) => {
    const names = ['configs/a.json', longName, 'configs/größe.json'];
    const { members, contents } = await read(archive(names), size);
    expect(members.map((member) => `${member.kind} ${member.name}`)).toEqual([
      'folder configs',
      ...names.map((name) => `file ${name}`),
    ]);
    expect(contents).toEqual(names.map((name) => `content of ${name}`));
  });

  test.each([600, 1030, 1100])('refuses an archive that ends after %i bytes', async (size) => {
    await expect(read(archive(['configs/a.json', longName]).subarray(0, size), 333)).rejects.toMatchObject({
      code: 'LAYER_INVALID',
    });
  });

  test('refuses a header with a wrong checksum', async () => {
    const bytes = archive(['configs/a.json']);
    bytes.writeUInt8(0x41, 3);
    await expect(read(bytes, 512)).rejects.toMatchObject({ code: 'LAYER_INVALID' });
  });
});

describeReal('tar and readTar', ['tar'], () => {
  test('GNU tar reads what tarHeader writes', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'layer.tar');
    writeFileSync(file, archive(['configs/a.json', longName]));
    const listing = execFileSync('tar', ['--full-time', '--numeric-owner', '--utc', '-tvf', file]).toString();
    expect(
      listing
        .trim()
        .split('\n')
        .map((line) => line.replace(/\s+/g, ' ')),
    ).toEqual([
      'drwxr-xr-x 0/0 0 1970-01-01 00:00:00 configs',
      '-rw-r--r-- 0/0 25 1970-01-01 00:00:00 configs/a.json',
      expect.stringContaining(longName),
    ]);
  });

  test.each(['gnu', 'pax', 'ustar', 'v7'])('readTar reads %s archives of GNU tar', async (format) => {
    const folder = await temporaryFolder();
    const deep = format === 'v7' ? 'a/b' : 'deep/'.repeat(25);
    await mkdir(path.join(folder, 'in', deep), { recursive: true });
    writeFileSync(path.join(folder, 'in', deep, 'file.json'), '{}');
    const bytes = execFileSync('tar', [`--format=${format}`, '-C', path.join(folder, 'in'), '-c', '.']);
    const { members, contents } = await read(bytes, 700);
    expect(members.at(-1)?.name).toBe(path.posix.join(deep, 'file.json'));
    expect(contents).toEqual(['{}']);
  });
});
