import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  abandonNextCa,
  addNextCa,
  dropPreviousCa,
  type EnsureOptions,
  ensureCertificates,
  findCaChangeStep,
  isIssuedBy,
  listAuthorities,
  type SiteCertificates,
  splitPemBundle,
  switchCa,
} from '../../src/certs/index.ts';
import type { Disk } from '../../src/core/disk.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { now, testAuthority } from './pki.ts';

const run = quietRun({ now: () => now });
const next = { commonName: 'Kitchen CA 2', validityDays: 3650, keyBits: 1024 };

const options: Omit<EnsureOptions, 'folder'> = {
  names: ['web'],
  addresses: [],
  authorityName: 'Kitchen CA',
  keyBits: { authority: 1024, leaf: 1024 },
};

async function site(): Promise<{ folder: string; ensure: () => Promise<SiteCertificates> }> {
  const folder = path.join(await temporaryFolder(), 'certs');
  return { folder, ensure: () => ensureCertificates({ ...options, folder }, run) };
}

describe('a CA change', () => {
  test('at each step clients trust the CA that the server certificate comes from', async () => {
    const { folder, ensure } = await site();
    const before = await ensure();
    await addNextCa(folder, next, run);
    const added = await ensure();
    expect(splitPemBundle(added.caPem)).toHaveLength(2);
    expect(added.certificatePem).toBe(before.certificatePem);
    expect(await findCaChangeStep(folder, run)).toBe('added');

    await switchCa(folder, run);
    const switched = await ensure();
    expect(switched.reason).toBe('the CA is another one');
    expect(splitPemBundle(switched.caPem).sort()).toEqual(splitPemBundle(added.caPem).sort());
    // Who was reached by the spread trusts the new server certificate already.
    expect(splitPemBundle(added.caPem).some((pem) => isIssuedBy(switched.certificatePem, pem))).toBe(true);
    expect(switched.ca.subject).toContain('Kitchen CA 2');
    expect((await listAuthorities(folder, run)).map(({ role }) => role)).toEqual(['current', 'previous']);

    await dropPreviousCa(folder, run);
    const dropped = await ensure();
    expect(splitPemBundle(dropped.caPem)).toHaveLength(1);
    expect(dropped.certificatePem).toBe(switched.certificatePem);
    expect((await readdir(folder)).sort()).toEqual(['ca.crt', 'ca.key', 'server.crt', 'server.key', 'trust.crt']);
  });

  test('refuses steps out of order', async () => {
    const { folder, ensure } = await site();
    await ensure();
    const outOfOrder = { code: 'CA_CHANGE_ORDER' };
    await expect(switchCa(folder, run)).rejects.toMatchObject(outOfOrder);
    await expect(dropPreviousCa(folder, run)).rejects.toMatchObject(outOfOrder);
    await addNextCa(folder, next, run);
    await expect(addNextCa(folder, next, run)).rejects.toMatchObject(outOfOrder);
    await expect(dropPreviousCa(folder, run)).rejects.toMatchObject(outOfOrder);
    await switchCa(folder, run);
    await expect(switchCa(folder, run)).rejects.toMatchObject(outOfOrder);
    await expect(abandonNextCa(folder, run)).rejects.toMatchObject(outOfOrder);
  });

  test('can be given up before the switch', async () => {
    const { folder, ensure } = await site();
    const before = await ensure();
    await addNextCa(folder, next, run);
    await ensure();
    await abandonNextCa(folder, run);
    expect((await ensure()).caPem).toBe(before.caPem);
  });

  test('of a CA that the site file names is switched by naming the new one', async () => {
    const base = await temporaryFolder();
    const folder = path.join(base, 'certs');
    const given = async (name: string) => {
      const pair = await testAuthority(name);
      const files = { certificateFile: path.join(base, `${name}.crt`), keyFile: path.join(base, `${name}.key`) };
      await writeFile(files.certificateFile, pair.certificatePem);
      await writeFile(files.keyFile, pair.keyPem);
      return { pem: pair.certificatePem, files };
    };
    const [old, fresh] = [await given('Old CA'), await given('New CA')];
    const ensure = (authority: EnsureOptions['authority']) =>
      ensureCertificates({ ...options, folder, ...(authority ? { authority } : {}) }, run);
    await ensure(old.files);
    await addNextCa(folder, { certificatePem: fresh.pem }, run);
    expect((await ensure(old.files)).caPem).toBe(old.pem + fresh.pem);
    await expect(switchCa(folder, run)).rejects.toMatchObject({ code: 'CA_CHANGE_ORDER' });
    const switched = await ensure(fresh.files);
    expect(switched).toMatchObject({ reason: 'the CA is another one', caPem: fresh.pem + old.pem });
    expect(await findCaChangeStep(folder, run)).toBe('switched');
    await dropPreviousCa(folder, run);
    expect((await ensure(fresh.files)).caPem).toBe(fresh.pem);
    expect((await readdir(folder)).sort()).toEqual(['server.crt', 'server.key', 'trust.crt']);
  });

  test('a switch that breaks off at any write ends right when it is run again', async () => {
    const { folder, ensure } = await site();
    const before = await ensure();
    await addNextCa(folder, next, run);
    const nextPem = await readFile(path.join(folder, 'ca.next.crt'), 'utf8');
    let step = 0;
    for (; ; step += 1) {
      const copy = path.join(await temporaryFolder(), 'certs');
      await cp(folder, copy, { recursive: true });
      const broken = await switchCa(copy, { ...run, disk: failingDisk(run, step) }).catch((error: unknown) => error);
      if (broken === undefined) break;
      expect(broken).toMatchObject({ code: expect.stringMatching(/^(FILE_UNWRITABLE|EIO)$/) });
      if ((await findCaChangeStep(copy, run)) === 'added') await switchCa(copy, run);
      const after = await ensureCertificates({ ...options, folder: copy }, run);
      expect(after.caPem).toBe(nextPem + before.caPem);
      expect(isIssuedBy(after.certificatePem, nextPem)).toBe(true);
      await dropPreviousCa(copy, run);
      expect((await readdir(copy)).filter((name) => /next|previous|ca\.key\./.test(name))).toEqual([]);
    }
    // Four files are written, each by removing a leftover and renaming; two are removed.
    expect(step).toBe(10);
  });
});

// Lets `count` renames and removals pass, then fails: as if the power had gone.
function failingDisk(inner: Run, count: number): Disk {
  let left = count;
  const gate = (action: () => Promise<void>): Promise<void> => {
    left -= 1;
    return left < 0 ? Promise.reject(Object.assign(new Error('gone'), { code: 'EIO', syscall: 'rename' })) : action();
  };
  return {
    ...inner.disk,
    rename: (from, to) => gate(() => inner.disk.rename(from, to)),
    remove: (target) => gate(() => inner.disk.remove(target)),
  };
}
