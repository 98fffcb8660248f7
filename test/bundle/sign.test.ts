import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { fingerprintKey, generateSigningKey, sideNames, verifyBundle } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { buildSample, openOne } from './build-sample.ts';
import { makeSample } from './sample.ts';

const run = quietRun();
const exec = promisify(execFile);

describeReal('a signed bundle', ['openssl', 'tar'], () => {
  test('is accepted by openssl and named by the fingerprint of its key', async () => {
    const folder = await temporaryFolder();
    const key = generateSigningKey();
    await buildSample(makeSample(), folder, { signingKeyPem: key.privateKeyPem });
    const bundle = await openOne(folder);
    await writeFile(path.join(folder, 'key.pub'), key.publicKeyPem);
    await exec('tar', [
      '-xf',
      path.join(bundle.folder, 'mirror_000001.tar'),
      '-C',
      folder,
      'airlock/index.json',
      'airlock/index.sig',
    ]);
    for (const signature of [path.join(bundle.folder, sideNames.signature), path.join(folder, 'airlock/index.sig')]) {
      const der = Buffer.from((await readFile(signature, 'latin1')).trim(), 'base64');
      await writeFile(path.join(folder, 'sig.der'), der);
      const args = ['dgst', '-sha256', '-verify', 'key.pub', '-signature', 'sig.der', 'airlock/index.json'];
      expect((await exec('openssl', args, { cwd: folder })).stdout).toContain('Verified OK');
    }
    const report = await verifyBundle(bundle, { publicKeyPem: key.publicKeyPem }, run);
    expect(report).toMatchObject({
      whole: true,
      signature: { state: 'good', keyFingerprint: fingerprintKey(key.publicKeyPem) },
    });
  });

  test('says whose signature it is: unknown without a key, bad with another, missing when there is none', async () => {
    const folder = await temporaryFolder();
    await buildSample(makeSample(), folder, { signingKeyPem: generateSigningKey().privateKeyPem });
    const bundle = await openOne(folder);
    const other = generateSigningKey().publicKeyPem;
    expect((await verifyBundle(bundle, {}, run)).signature.state).toBe('unknown-key');
    expect(await verifyBundle(bundle, { publicKeyPem: other }, run)).toMatchObject({
      whole: false,
      signature: { state: 'bad' },
    });
    const plain = await temporaryFolder();
    await buildSample(makeSample(), plain);
    const report = await verifyBundle(await openOne(plain), { publicKeyPem: other }, run);
    expect(report).toMatchObject({ whole: false, signature: { state: 'unsigned' } });
  });
});
