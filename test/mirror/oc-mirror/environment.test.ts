import { describe, expect, test } from 'vitest';
import { childEnvironment } from '../../../src/mirror/oc-mirror/environment.ts';

describe('the environment of the binary', () => {
  test('has what we know in place of what the user set, and nothing that breaks it', () => {
    const env = {
      HOME: '/root',
      REGISTRY_AUTH_FILE: '',
      OC_MIRROR_CACHE: '/c',
      UPDATE_URL_OVERRIDE: 'http://a.example.com',
    };
    expect(childEnvironment(env, { updateUrl: 'http://b.example.com', releaseKeyFile: '/k.asc' })).toEqual({
      HOME: '/root',
      UPDATE_URL_OVERRIDE: 'http://b.example.com',
      OCP_SIGNATURE_VERIFICATION_PK: '/k.asc',
    });
  });

  test.each(['https://sig.example.com/release', 'https://sig.example.com/release/'])(
    'has the slash that the digest is put behind: %s',
    (signatureUrl) => {
      expect(childEnvironment({}, { signatureUrl })).toEqual({ OCP_SIGNATURE_URL: 'https://sig.example.com/release/' });
    },
  );
});
