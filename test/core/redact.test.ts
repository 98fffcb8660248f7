import { describe, expect, test } from 'vitest';
import { redactText } from '../../src/core/redact.ts';

describe('text that is handed to others', () => {
  test.each([
    ['a URL with credentials', 'httpProxy: http://cook:pepper@proxy.example.com:3128', 'pepper'],
    ['a YAML password', 'password: pepper-and-salt', 'pepper'],
    ['a quoted one', 'password: "pepper and salt"', 'pepper'],
    ['an auth file', '{"auths":{"registry.example.com":{"auth":"Y29vazpwZXBwZXI="}}}', 'Y29v'],
    ['a token in a query', 'GET /v2/?token=pepper123', 'pepper'],
    ['a header', 'Authorization: Bearer pepper.pepper.pepper', 'pepper'],
    ['basic authorization', 'authorization: Basic Y29vazpwZXBwZXI=', 'Y29v'],
    ['an htpasswd line', `cook:$2y$05$${'p'.repeat(53)}`, 'ppp'],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\npepper\n-----END RSA PRIVATE KEY-----\nafter', 'pepper'],
    ['a private key that is cut off', '-----BEGIN PRIVATE KEY-----\npepper', 'pepper'],
  ])('does not show %s', (_title, text, secret) => {
    expect(redactText(text)).not.toContain(secret);
    expect(redactText(text)).toContain('left out');
  });

  test.each([
    ['where a secret lies', 'passwordFile: registry.password\n  credentialsFile: worker-0.bmc'],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
    ['a URL without credentials', 'GET https://registry.example.com:5000/v2/kitchen/app/manifests/1.0'],
    ['an image by tag and digest', `registry.example.com/kitchen/app:1.0@sha256:${'a'.repeat(64)}`],
    ['an address with a user name for mail', 'hostmaster@lab.example.com'],
  ])('leaves %s as it is', (_title, text) => {
    expect(redactText(text)).toBe(text);
  });

  test('keeps what follows a private key', () => {
    expect(redactText('-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\nafter')).toContain('after');
  });
});
