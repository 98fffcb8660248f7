import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header, Pax } from 'tar';
import { describe, expect, test } from 'vitest';
import { openBundle } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const link = `docker/registry/v2/repositories/harbour/crane/_manifests/revisions/sha256/${'ab'.repeat(32)}/link`;

type Fields = ConstructorParameters<typeof Header>[0];

function member(fields: Fields & { path: string }, body = Buffer.from(digest)): Buffer {
  const block = Buffer.alloc(512);
  new Header({ mode: 0o644, uid: 0, gid: 0, size: body.length, mtime: new Date(0), type: 'File', ...fields }).encode(
    block,
  );
  return Buffer.concat([block, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

const end = Buffer.alloc(1024);
const pax = (records: ConstructorParameters<typeof Pax>[0]): Buffer => new Pax(records).encode();

describe('a hostile archive', () => {
  test.each<[string, Buffer[]]>([
    ['a symbolic link', [member({ path: 'working-dir/a', type: 'SymbolicLink', linkpath: '/etc' }, Buffer.alloc(0))]],
    ['a hard link', [member({ path: 'working-dir/a', type: 'Link', linkpath: 'working-dir/b' }, Buffer.alloc(0))]],
    ['a device', [member({ path: 'working-dir/a', type: 'BlockDevice' }, Buffer.alloc(0))]],
    ['a name that climbs', [member({ path: 'working-dir/../../etc/passwd' })]],
    ['an absolute name', [member({ path: '/etc/passwd' })]],
    ['a member that is there twice', [member({ path: link }), member({ path: link })]],
    ['a size beyond the end', [member({ path: link, size: 1 << 30 })]],
    ['a size of petabytes', [member({ path: link, size: 2 ** 52 })]],
    ['a name that PAX makes climb', [pax({ path: '../evil' }), member({ path: link })]],
    ['a name that PAX makes absolute', [pax({ path: '/evil' }), member({ path: link })]],
    ['a size that PAX makes larger than the archive', [pax({ size: 2 ** 40 }), member({ path: link })]],
    ['a link target in PAX', [pax({ linkpath: '/etc/passwd' }), member({ path: link })]],
    [
      'an extension header of a megabyte',
      [member({ path: 'x', type: 'ExtendedHeader' }, Buffer.alloc(1 << 20, 65)), member({ path: link })],
    ],
    [
      'a PAX record whose length lies',
      [member({ path: 'x', type: 'ExtendedHeader' }, Buffer.from('99 path=evil\n')), member({ path: link })],
    ],
    [
      'a PAX record hidden in another',
      [member({ path: 'x', type: 'ExtendedHeader' }, Buffer.from('12 path=../x\n')), member({ path: link })],
    ],
    [
      'two PAX names',
      [member({ path: 'x', type: 'ExtendedHeader' }, Buffer.from('10 path=a\n10 path=b\n')), member({ path: link })],
    ],
    [
      'a line break in a PAX name',
      [member({ path: 'x', type: 'ExtendedHeader' }, Buffer.from('22 path=a\n11 path=bb\n\n')), member({ path: link })],
    ],
    ['a global extension header', [new Pax({ path: 'evil' }, true).encode(), member({ path: link })]],
    [
      'a blob under a name that is not its own',
      [member({ path: `docker/registry/v2/blobs/sha256/00/${'ab'.repeat(32)}/data` })],
    ],
    ['a repository that climbs', [member({ path: link.replace('harbour/crane', 'harbour/../../x') })]],
    [
      'a link that is no link',
      [
        member(
          { path: link.replace('revisions/sha256', 'tags/v1/current').replace(`/${'ab'.repeat(32)}`, '') },
          Buffer.from('sha256:zz'),
        ),
      ],
    ],
    ['something foreign in the storage tree', [member({ path: link.replace('/link', '/evil') })]],
    ['something that is no tar', [gzipSync(Buffer.alloc(4096, 'harbour'))]],
    ['a header whose numbers are no numbers', [Buffer.from(member({ path: link }).fill(0xff, 100, 148))]],
    ['a damaged header', [Buffer.from(member({ path: link }).map((byte, at) => (at === 3 ? byte ^ 1 : byte)))]],
  ])('with %s is refused', async (_name, members) => {
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, 'mirror_000001.tar'), Buffer.concat([...members, end]));
    await expect(openBundle(folder, quietRun())).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });

  test.each([
    ['a header', 1024 + 100],
    ['the data', 512 + 40],
    ['the padding', 512 + 200],
    ['nothing, where a member ends', 2048],
    ['the blocks that close it', 2048 + 512],
  ])('cut within %s is refused', async (_where, bytes) => {
    const folder = await temporaryFolder();
    const whole = Buffer.concat([member({ path: link }), member({ path: 'isc_2026-11-20T10:00:00Z' }), end]);
    await writeFile(path.join(folder, 'mirror_000001.tar'), whole.subarray(0, bytes));
    await expect(openBundle(folder, quietRun())).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });

  test('that is only strange is read: folders, a leading ./, GNU long names, unknown members', async () => {
    const folder = await temporaryFolder();
    const name = `working-dir/${'long/'.repeat(30)}name`;
    const members = [
      member({ path: 'docker/', type: 'Directory' }, Buffer.alloc(0)),
      member({ path: `./${link}` }),
      member({ path: '././@LongLink', type: 'NextFileHasLongPath' }, Buffer.from(`${name}\0`)),
      member({ path: name.slice(0, 90) }),
      member({ path: 'unknown' }),
      end,
    ];
    await writeFile(path.join(folder, 'mirror_000001.tar'), Buffer.concat(members));
    const [bundle] = await openBundle(folder, quietRun());
    expect(bundle?.index.files.map((file) => file.path)).toEqual([name]);
    expect(bundle?.index.repositories).toEqual([{ name: 'harbour/crane', tags: {}, revisions: [digest], layers: [] }]);
    expect(bundle?.index.assumed).toEqual([digest]);
  });
});
