import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { redHatReleaseKeys } from '../../src/mirror/release/red-hat-key.ts';
import { readReleaseKeys, verifyReleaseSignature } from '../../src/mirror/release/signature.ts';
import { describeShared } from '../helpers/real.ts';

const digest = 'sha256:0da6316466d60a3a4535d5fed3589feb0391989982fba59d47d4c729912d6363';

describe('readReleaseKeys', () => {
  test("holds Red Hat's release key 2 and its beta key 2, which signs pre-releases", async () => {
    const keys = await readReleaseKeys(redHatReleaseKeys);
    expect(keys.map((key) => key.getFingerprint())).toEqual([
      '567e347ad0044ade55ba8a5f199e2f91fd431d51',
      'b08b659ee86af623bc90e8db938a80caf21541eb',
    ]);
    // Each is bound to its name by a signature of its own that is still good.
    for (const key of keys) await expect(key.verifyPrimaryKey()).resolves.toBeUndefined();
  });

  test.each(['', 'no key at all', redHatReleaseKeys.slice(0, 600)])('refuses what is no key', async (text) => {
    await expect(readReleaseKeys(text)).rejects.toMatchObject({ code: 'RELEASE_KEY_INVALID' });
  });
});

describeShared('verifyReleaseSignature on a real signature of 4.15.0', 'data/outputs/signatures', (folder) => {
  const read = () => readFileSync(path.join(folder, 'e2e-signature-1'));

  test("proves it with Red Hat's key", async () => {
    const keys = await readReleaseKeys(redHatReleaseKeys);
    await expect(verifyReleaseSignature(read(), digest, keys)).resolves.toEqual({
      digest,
      reference: 'quay.io/openshift-release-dev/ocp-release:4.15.0-x86_64',
    });
  });

  test('refuses it for another digest', async () => {
    const keys = await readReleaseKeys(redHatReleaseKeys);
    const other = digest.replace('0da', '0db');
    await expect(verifyReleaseSignature(read(), other, keys)).rejects.toMatchObject({
      code: 'RELEASE_SIGNATURE_INVALID',
    });
  });

  test('refuses a flipped byte at any place', async () => {
    const keys = await readReleaseKeys(redHatReleaseKeys);
    for (let at = 0; at < read().length; at += 23) {
      const bytes = read();
      bytes.writeUInt8((bytes[at] ?? 0) ^ 1, at);
      const result = await verifyReleaseSignature(bytes, digest, keys).catch((error: unknown) => error);
      // A few bits say nothing (a packet's length form, the hint of the key); what is proved then is the same as before.
      if (!(result instanceof Error)) expect(result).toMatchObject({ digest });
      else expect(result).toMatchObject({ code: 'RELEASE_SIGNATURE_INVALID' });
    }
  });
});
