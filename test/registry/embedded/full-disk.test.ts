import { execFileSync } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import { digestOf, openStorage } from '../../../src/oci/index.ts';
import { describeRoot } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { errorCode, openKitchen, pushBlob } from '../kitchen.ts';

describeRoot('a registry on a file system of 8 MiB', ['mount', 'umount'], () => {
  test('answers 507 when it is full, gives the space back, and goes on', async () => {
    const folder = await temporaryFolder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]);
    onTestFinished(() => void execFileSync('umount', ['-l', folder]));
    const store = openStorage(folder);
    const kitchen = await openKitchen({ store });
    const large = Buffer.alloc(12 << 20, 'overflow ');
    const refused = await pushBlob(kitchen, 'kitchen/soup', digestOf(large), large);
    expect([refused.status, await errorCode(refused)]).toEqual([507, 'UNKNOWN']);
    const small = large.subarray(0, 6 << 20);
    expect((await pushBlob(kitchen, 'kitchen/soup', digestOf(small), small)).status).toBe(201);
    expect(await store.collectStale(-1000, quietRun())).toBe(0);
  });
});
