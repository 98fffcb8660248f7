import { createPublicKey, sign, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createSigningKey, publicKeyOf } from '../../src/certs/index.ts';
import { createRsaKey, parsePrivateKey } from '../../src/certs/keys.ts';

describe('createRsaKey', () => {
  test('leaves the main thread free while a 4096-bit key is made', async () => {
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 1);
    const pem = await createRsaKey(4096);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
    expect(parsePrivateKey(pem).asymmetricKeyDetails?.modulusLength).toBe(4096);
  });
});

describe('createSigningKey', () => {
  test('makes a P-256 pair whose halves belong together', async () => {
    const { privatePem, publicPem } = await createSigningKey();
    expect(publicKeyOf(privatePem)).toBe(publicPem);
    expect(createPublicKey(publicPem).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(verify('sha256', Buffer.from('index'), publicPem, sign('sha256', Buffer.from('index'), privatePem))).toBe(
      true,
    );
  });
});

describe('parsePrivateKey', () => {
  test('says how to decrypt a key that has a passphrase', async () => {
    const key = parsePrivateKey((await createSigningKey()).privatePem);
    const encrypted = key
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'kitchen' })
      .toString();
    expect(() => parsePrivateKey(encrypted)).toThrow(
      expect.objectContaining({ code: 'KEY_INVALID', hint: expect.stringContaining('openssl pkey') }),
    );
  });
});
