import { describe, expect, test } from 'vitest';
import type { Site } from '../../src/config/index.ts';
import { dnsServers } from '../../src/workflow/site/endpoints.ts';

function site(dns: { readonly serve: boolean; readonly servers?: readonly string[] }): Site {
  const bastion = { host: 'bastion.kitchen.example', addresses: ['192.0.2.1', '2001:db8::1'] };
  return { bastion, dns: { port: 5353, servers: [], ...dns } } as unknown as Site;
}

describe('who is asked for the names of a site', () => {
  test('is the bastion where it serves, at its own port', () => {
    expect(dnsServers(site({ serve: true }), ['192.0.2.53'])).toEqual([
      { address: '192.0.2.1', port: 5353 },
      { address: '2001:db8::1', port: 5353 },
    ]);
  });

  test('are the servers that the site names, whoever serves', () => {
    expect(dnsServers(site({ serve: true, servers: ['192.0.2.54'] }), [])).toEqual([
      { address: '192.0.2.54', port: 53 },
    ]);
  });

  test('are the resolvers of this host where neither is', () => {
    const own = ['192.0.2.53', '2001:db8::53', '192.0.2.53:1053', '[2001:db8::53]:1053'];
    expect(dnsServers(site({ serve: false }), own)).toEqual([
      { address: '192.0.2.53', port: 53 },
      { address: '2001:db8::53', port: 53 },
      { address: '192.0.2.53', port: 1053 },
      { address: '2001:db8::53', port: 1053 },
    ]);
  });
});
