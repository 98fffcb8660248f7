import { describe, expect, test } from 'vitest';
import { bypassesProxy, findProxy, httpEnvironment } from '../../src/core/http-proxy.ts';

describe('bypassesProxy', () => {
  test.each([
    ['example.com', 'https://example.com/', true],
    ['example.com', 'https://api.example.com/', true],
    ['example.com', 'https://notexample.com/', false],
    ['.example.com', 'https://api.example.com/', true],
    ['.example.com', 'https://example.com/', false],
    ['*.example.com', 'https://api.example.com/', true],
    ['*.example.com', 'https://example.com/', false],
    ['EXAMPLE.com', 'https://Example.COM/', true],
    ['example.com.', 'https://example.com/', false],
    ['example.com:8443', 'https://example.com:8443/', true],
    ['example.com:8443', 'https://example.com/', false],
    ['example.com:443', 'https://example.com/', true],
    ['other,  example.com', 'https://example.com/', true],
    ['192.0.2.0/24', 'http://192.0.2.7/', true],
    ['192.0.2.0/24', 'http://192.0.3.7/', false],
    ['192.0.2.0/24', 'http://example.com/', false],
    ['192.0.2.7', 'http://192.0.2.7:8080/', true],
    ['192.0.2.7:80', 'http://192.0.2.7:8080/', false],
    ['2001:db8::/32', 'http://[2001:db8::1]/', true],
    ['2001:db8::1', 'http://[2001:db8:0::1]/', true],
    ['[2001:db8::1]:5000', 'http://[2001:db8::1]:5000/', true],
    ['[2001:db8::1]:5000', 'http://[2001:db8::1]:5001/', false],
    ['*', 'http://example.com/', true],
    ['', 'http://example.com/', false],
    ['', 'http://localhost:5000/', true],
    ['', 'http://127.0.0.2/', true],
    ['', 'http://[::1]:5000/', true],
  ])('%j for %s: %s', (noProxy, url, expected) => {
    expect(bypassesProxy(noProxy, new URL(url))).toBe(expected);
  });
});

describe('findProxy', () => {
  test('takes the proxy of the scheme, without a scheme as http', () => {
    const settings = { httpProxy: 'proxy.example.com:3128', httpsProxy: 'http://secure.example.com:3128' };
    expect(findProxy(settings, new URL('http://a.example/'))?.href).toBe('http://proxy.example.com:3128/');
    expect(findProxy(settings, new URL('https://a.example/'))?.href).toBe('http://secure.example.com:3128/');
    expect(findProxy({ httpProxy: 'x:1' }, new URL('https://a.example/'))).toBeUndefined();
    expect(findProxy({ ...settings, noProxy: '.example' }, new URL('https://a.example/'))).toBeUndefined();
  });

  test('refuses a proxy of another kind, without its password in the message', () => {
    const find = () => findProxy({ httpProxy: 'ftp://cook:secret@p.example' }, new URL('http://a.example/'));
    expect(find).toThrow(expect.objectContaining({ code: 'PROXY_INVALID' }));
    expect(find).toThrow(/^(?!.*secret)/);
  });
});

describe('httpEnvironment', () => {
  test('prefers lower case and leaves out what is empty', () => {
    expect(
      httpEnvironment({
        HTTP_PROXY: 'http://upper',
        http_proxy: 'http://lower',
        HTTPS_PROXY: '',
        NO_PROXY: 'a',
        SSL_CERT_FILE: '/ca',
      }),
    ).toEqual({ proxy: { httpProxy: 'http://lower', noProxy: 'a' }, systemCaFile: '/ca' });
  });

  test('ignores HTTP_PROXY in a CGI script', () => {
    expect(httpEnvironment({ REQUEST_METHOD: 'GET', HTTP_PROXY: 'http://evil' })).toEqual({ proxy: {} });
  });
});
