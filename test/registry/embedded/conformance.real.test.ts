import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseHtpasswd, renderHtpasswd } from '../../../src/registry/index.ts';
import { findProgram } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { makeCertificate } from '../certificate.ts';
import { openKitchen } from '../kitchen.ts';

/** Everything that the suite leaves out unless it is asked for, but sparse manifests, which are refused unless that is allowed. */
const everything = {
  OCI_VERSION: 'dev',
  OCI_API_BLOBS_DIGEST_HEADER: 'true',
  OCI_API_BLOBS_UPLOAD_CANCEL: 'true',
  OCI_API_MANIFESTS_DIGEST_HEADER: 'true',
  OCI_API_MANIFESTS_TAG_PARAM: 'true',
};

/** Runs the suite of opencontainers/distribution-spec; the counts of its report, and the names of what failed. */
async function runConformance(environment: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder();
  const env = { PATH: process.env['PATH'] ?? '', OCI_RESULTS_DIR: folder, ...environment };
  // It ends with 1 when something failed: the report says what.
  await promisify(execFile)('oci-conformance', [], { cwd: folder, env, maxBuffer: 1 << 26 }).catch(() => {});
  const report = await readFile(path.join(folder, 'junit.xml'), 'utf8');
  const count = (name: string): number =>
    Number(new RegExp(`<testsuites[^>]* ${name}="(\\d+)"`).exec(report)?.[1] ?? 0);
  const cases = [...report.matchAll(/<testcase name="OCI Conformance Test\/([^"]*)"[^>]* status="([^"]*)"/g)];
  const failed = cases
    .filter(([, , status]) => status !== 'passed' && status !== 'disabled' && status !== 'skipped')
    .map(([, name]) => name);
  return { tests: count('tests'), failures: count('failures'), disabled: count('disabled'), failed };
}

// Not among the parts that have to be there: it needs a newer Go than some distributions have (.ci/run builds it where it can).
const installed = findProgram('oci-conformance') !== undefined;
const title = `the conformance suite of the OCI distribution-spec${installed ? '' : ' (skipped: install oci-conformance)'}`;

describe.skipIf(!installed)(title, () => {
  test('passes as it is, over plain HTTP', async () => {
    const kitchen = await openKitchen();
    const result = await runConformance({ OCI_REGISTRY: kitchen.host, OCI_TLS: 'disabled' });
    expect(result).toMatchObject({ failures: 0, failed: [] });
    expect(result.tests).toBeGreaterThan(800);
  }, 240_000);

  test('passes with every test switched on, over TLS with users', async () => {
    const certificate = makeCertificate(await temporaryFolder(), ['localhost'], 'registry');
    const htpasswd = parseHtpasswd(await renderHtpasswd('cook', 'galley'));
    const kitchen = await openKitchen({ tls: certificate, htpasswd });
    const result = await runConformance({
      ...everything,
      ...{ OCI_REGISTRY: kitchen.host, OCI_TLS: 'enabled', SSL_CERT_FILE: certificate.caFile },
      ...{ OCI_USERNAME: 'cook', OCI_PASSWORD: 'galley' },
    });
    expect(result).toMatchObject({ failures: 0, failed: [] });
    expect(result.tests).toBeGreaterThan(950);
  }, 240_000);

  test('passes with sparse manifests too where they are allowed, and else fails by them alone', async () => {
    const kitchen = await openKitchen({ sparse: 'all' });
    const sparse = { ...everything, OCI_DATA_SPARSE: 'true' };
    const result = await runConformance({ ...sparse, OCI_REGISTRY: kitchen.host, OCI_TLS: 'disabled' });
    expect(result).toMatchObject({ failures: 0, failed: [], disabled: 0 });
    const strict = await openKitchen();
    const { failed } = await runConformance({ ...sparse, OCI_REGISTRY: strict.host, OCI_TLS: 'disabled' });
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.filter((name) => !name?.startsWith('sparse/'))).toEqual([]);
  }, 240_000);
});
