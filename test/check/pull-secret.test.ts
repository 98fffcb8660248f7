import { describe, expect, test } from 'vitest';
import { findCredentials } from '../../src/check/pull-secret.ts';

const secret = (auth: string): string => JSON.stringify({ auths: { 'r.example.com:5000': { auth } } });

describe('findCredentials', () => {
  test('gives user and password of the registry', () => {
    expect(findCredentials(secret('Y29vazpzYWx0'), 'r.example.com:5000')).toBe('cook:salt');
  });

  test.each([
    ['another port', secret('Y29vazpzYWx0'), 'r.example.com'],
    ['unpadded base64', secret('Y29vazpzYWw'), 'r.example.com:5000'],
    ['a final newline', secret('Y29vazpzYWx0Cg=='), 'r.example.com:5000'],
    ['no colon', secret('Y29vaw=='), 'r.example.com:5000'],
  ])('gives nothing for %s, as the tools of a node do', (_, text, registry) => {
    expect(findCredentials(text, registry)).toBeUndefined();
  });

  test('refuses what is no JSON', () => {
    expect(() => findCredentials('{', 'x')).toThrow(expect.objectContaining({ code: 'PULL_SECRET_INVALID' }));
  });
});
