import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type CheckedResolver, type CheckInput, checkCodes, runChecks } from '../../src/check/index.ts';
import { AirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { digestOf } from '../../src/oci/index.ts';
import { describeReal } from '../helpers/real.ts';
import { layerDigest, type SiteOptions, startSite } from './fake-site.ts';

async function codes(
  options: SiteOptions,
  change: (input: CheckInput) => Partial<CheckInput> = () => ({}),
): Promise<string[]> {
  const { input, clients } = await startSite(options);
  const { findings } = await runChecks({ ...input, ...change(input) }, clients, quietRun());
  return findings.map((finding) => finding.code);
}

describeReal('runChecks', ['openssl'], () => {
  test('finds nothing at a site where all is right, and counts what it asked', async () => {
    const { input, clients } = await startSite();
    const report = await runChecks(input, clients, quietRun());
    expect(report).toEqual({
      findings: [],
      counts: { names: 3, connections: 1, images: 1, manifests: 1, blobs: 2, files: 1, fileBytes: 1000 },
    });
  });

  test.each<[string, SiteOptions, string[]]>([
    ['a layer that is missing', { missingBlobs: [layerDigest] }, ['CHECK_BLOB_MISSING']],
    ['an image that is missing', { missingManifest: true }, ['CHECK_MANIFEST_MISSING']],
    ['a certificate without the name', { names: [] }, ['CHECK_TLS_NO_SAN']],
    ['a certificate that ends soon', { days: 10 }, ['CHECK_CERTIFICATE_EXPIRES']],
    ['a password that was changed', { password: 'pepper' }, ['CHECK_LOGIN_REFUSED', 'CHECK_SKIPPED']],
    ['a file of other content', { iso: Buffer.alloc(1000, 'bad') }, ['CHECK_FILE_DIGEST']],
    ['a file that was cut', { iso: Buffer.alloc(10) }, ['CHECK_FILE_SIZE']],
    ['a web server without ranges', { ranges: false }, ['CHECK_FILE_RANGE']],
  ])('finds %s', async (_, options, expected) => {
    expect(await codes(options)).toEqual(expected);
  });

  test.each<[string, (input: CheckInput) => Partial<CheckInput>, string[]]>([
    [
      'a name with another address',
      (input) => ({ names: [{ name: input.registry.host, addresses: ['192.0.2.7'] }] }),
      ['CHECK_NAME_WRONG'],
    ],
    [
      'a name that lacks a family',
      (input) => ({ names: [{ name: input.registry.host, addresses: ['127.0.0.1', '::1'] }] }),
      ['CHECK_NAME_UNRESOLVED'],
    ],
    [
      'an address that leads to another name',
      () => ({ pointers: [{ name: '7.2.0.192.in-addr.arpa', values: ['oven.kitchen.example'] }] }),
      ['CHECK_POINTER_WRONG'],
    ],
    ['a name that must not resolve', (input) => ({ unwantedNames: [input.registry.host] }), ['CHECK_NAME_UNWANTED']],
    [
      'a pull secret without the registry',
      () => ({ pullSecret: '{"auths":{}}' }),
      ['CHECK_CREDENTIALS_MISSING', 'CHECK_SKIPPED'],
    ],
    [
      'a registry that nobody runs',
      () => ({ registry: { host: 'registry.kitchen.example', port: 1, tls: true } }),
      ['CHECK_UNREACHABLE', 'CHECK_SKIPPED'],
    ],
    [
      'a tag that was moved',
      (input) => ({ images: input.images.map((image) => ({ ...image, digest: digestOf('other') })) }),
      ['CHECK_MANIFEST_WRONG'],
    ],
  ])('finds %s', async (_, change, expected) => {
    expect(await codes({}, change)).toEqual(expected);
  });

  test('finds a CA that did not sign the certificate, and then asks nothing of the service', async () => {
    const other = await startSite();
    expect(await codes({}, () => ({ caPem: other.input.caPem }))).toEqual([
      'CHECK_TLS_UNTRUSTED',
      'CHECK_SKIPPED',
      'CHECK_SKIPPED',
    ]);
  });

  test('asks every DNS server, and one that does not answer only once', async () => {
    const { input, clients } = await startSite();
    const [good] = clients.resolvers;
    if (!good) throw new Error('the fake site has a resolver');
    let asked = 0;
    const silent: CheckedResolver = {
      ...good,
      address: '192.0.2.53:53',
      lookup: async () => {
        asked += 1;
        throw new AirlockError('DNS_TIMEOUT', 'no answer');
      },
    };
    const report = await runChecks(input, { ...clients, resolvers: [good, silent] }, quietRun());
    expect(report.findings).toMatchObject([{ code: 'CHECK_DNS_FAILED', subject: '192.0.2.53:53' }]);
    expect(asked).toBe(1);
  });

  test('finds an image that no rule leads to the mirror', async () => {
    const { input, clients } = await startSite();
    const report = await runChecks(input, { ...clients, mapReference: (reference) => [reference] }, quietRun());
    expect(report.findings.map((finding) => finding.code)).toEqual(['CHECK_NOT_MAPPED']);
  });

  test('ends with CANCELLED when the run is aborted', async () => {
    const { input, clients } = await startSite();
    const controller = new AbortController();
    controller.abort(new AirlockError('CANCELLED', 'interrupted'));
    await expect(runChecks(input, clients, quietRun({ signal: controller.signal }))).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});

test('docs/check.md names every code of check and its sentence', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/check.md'), 'utf8');
  for (const [code, sentence] of Object.entries(checkCodes)) expect(page).toContain(`| \`${code}\` | ${sentence}`);
});
