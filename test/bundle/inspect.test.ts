import { describe, expect, test } from 'vitest';
import { renderSpdx } from '../../src/bundle/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { buildSample, openOne } from './build-sample.ts';
import { makeSample } from './sample.ts';

interface SpdxPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly downloadLocation: string;
  readonly filesAnalyzed: boolean;
  readonly checksums: readonly { readonly algorithm: string; readonly checksumValue: string }[];
  readonly primaryPackagePurpose: string;
  readonly externalRefs?: readonly { readonly referenceLocator: string }[];
}

describe('renderSpdx', () => {
  // What the SPDX project's own validator (spdx-tools) complains of when it is not so.
  test('keeps to the clauses of SPDX 2.3 that a validator looks at', async () => {
    const folder = await temporaryFolder();
    const iso = { path: 'airlock/coreos/live.iso', bytes: Buffer.alloc(5001, 7), webPath: '/rhcos/1/live.iso' };
    await buildSample(makeSample({ files: [iso] }), folder);
    const bundle = await openOne(folder);
    const document = renderSpdx(bundle);
    expect(document).toMatchObject({
      spdxVersion: 'SPDX-2.3',
      dataLicense: 'CC0-1.0',
      SPDXID: 'SPDXRef-DOCUMENT',
      documentNamespace: expect.stringMatching(/^https:\/\/[^#]+$/),
      creationInfo: {
        created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        creators: [expect.stringMatching(/^Tool: \S+$/)],
      },
    });
    // Clause 8.4 wants SHA-1 of every file, which nobody has.
    expect(document).not.toHaveProperty('files');
    const packages = document['packages'] as SpdxPackage[];
    const { images, files } = bundle.index;
    expect(packages).toHaveLength(images.length + files.filter((file) => file.sha256 !== '').length);
    expect(new Set(packages.map((one) => one.SPDXID)).size).toBe(packages.length);
    for (const one of packages) {
      expect(one.SPDXID).toMatch(/^SPDXRef-[a-zA-Z0-9.-]+$/);
      expect(one.downloadLocation).toMatch(/^(?:NOASSERTION|https?:\/\/[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]+\/\S*)$/);
      expect(one.filesAnalyzed).toBe(false);
      expect(one.checksums).toEqual([{ algorithm: 'SHA256', checksumValue: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
      expect(['CONTAINER', 'FILE']).toContain(one.primaryPackagePurpose);
    }
    expect(packages.find((one) => one.name === iso.path)).toMatchObject({ downloadLocation: 'NOASSERTION' });
    expect(packages[0]?.externalRefs?.[0]?.referenceLocator).toMatch(
      /^pkg:oci\/crane@sha256%3A[0-9a-f]{64}\?repository_url=registry\.example\.com%2Fharbour%2Fcrane$/,
    );
    const described = (document['relationships'] as { relatedSpdxElement: string }[]).map(
      (one) => one.relatedSpdxElement,
    );
    expect(described).toEqual(packages.map((one) => one.SPDXID));
  });
});
