import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadDeleteImageSet, loadImageSet, loadSite } from '../../src/config/index.ts';
import { AirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { smallSite } from './sites.ts';

const imageSet = `kind: ImageSetConfiguration
apiVersion: mirror.openshift.io/v2alpha1
mirror:
  additionalImages:
  - name: quay.io/kitchen/kettle:1
`;

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const target = path.join(await temporaryFolder(), name);
  await writeFile(target, content);
  return target;
}

async function failure(action: Promise<unknown>): Promise<AirlockError> {
  const error = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AirlockError)) throw new Error(`not an AirlockError: ${error}`);
  return error;
}

describe('loadImageSet', () => {
  test('gives the bytes unchanged and their digest', async () => {
    const bytes = Buffer.from(`\ufeff${imageSet.replaceAll('\n', '\r\n')}`);
    const loaded = await loadImageSet(await file('isc.yaml', bytes), quietRun());
    expect(Buffer.from(loaded.bytes).equals(bytes)).toBe(true);
    expect(loaded.imageSetDigest).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    expect(loaded.imageSet.mirror.additionalImages).toHaveLength(1);
    expect(loaded.findings).toEqual([]);
  });

  test('says what to run when there is no file', async () => {
    const error = await failure(loadImageSet('/nowhere/isc.yaml', quietRun()));
    expect(error.code).toBe('CONFIG_NOT_FOUND');
    expect(error.hint).toContain('airlock init');
  });

  test('says that a folder is none', async () => {
    const error = await failure(loadImageSet(await temporaryFolder(), quietRun()));
    expect(error).toMatchObject({ code: 'CONFIG_NOT_FOUND', message: expect.stringContaining('is a folder') });
  });

  test('names the other flag when the files are mixed up, and nothing else', async () => {
    const wrongSite = await failure(loadSite(await file('isc.yaml', imageSet), quietRun()));
    expect(wrongSite.message).toContain('is given with -c');
    expect(wrongSite.details['findings']).toHaveLength(1);
    const wrongImageSet = await failure(loadImageSet(await file('site.yaml', smallSite), quietRun()));
    expect(wrongImageSet.message).toContain('is given with -f');
    expect(wrongImageSet.details['findings']).toHaveLength(1);
  });

  test('lists every fault on a line of its own', async () => {
    const target = await file(
      'isc.yaml',
      imageSet.replace('mirror:', 'archiveSize: ten\nmirror:').replace('kettle:1', 'kettle@1'),
    );
    const error = await failure(loadImageSet(target, quietRun()));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message.split('\n')).toEqual([
      `${target} has 2 faults:`,
      `${target}:3:14: archiveSize: has to be a whole number, but is the text "ten" (write digits alone)`,
      `${target}:6:11: mirror.additionalImages[0].name: "quay.io/kitchen/kettle@1" is not an image reference: "1" is not a digest (sha256: and 64 hex digits) (write registry/path:tag or registry/path@sha256:…)`,
    ]);
    expect(error.details['findings']).toMatchObject([
      { code: 'CONFIG_TYPE', severity: 'error', place: { line: 3 } },
      { code: 'CONFIG_VALUE' },
    ]);
  });

  test('reads UTF-16, and refuses bytes that are no text', async () => {
    const utf16 = Buffer.from(`\ufeff${imageSet}`, 'utf16le');
    expect(
      (await loadImageSet(await file('isc.yaml', utf16), quietRun())).imageSet.mirror.additionalImages,
    ).toHaveLength(1);
    const error = await failure(
      loadImageSet(await file('isc.yaml', Buffer.from([0x6b, 0xff, 0xfe, 0x00, 0x3a])), quietRun()),
    );
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toMatch(/:1:2: .*not UTF-8/);
  });
});

describe('loadSite', () => {
  test('lets relative paths start at the file', async () => {
    const target = await file('site.yaml', `${smallSite}  imageSet: ../sets/isc.yaml\n  paths: {state: state}\n`);
    const { site, siteDigest } = await loadSite(target, quietRun());
    expect(site.file).toBe(target);
    expect(site.imageSet).toBe(path.join(path.dirname(target), '../sets/isc.yaml'));
    expect(site.paths).toEqual({
      registry: '/opt/registry',
      web: '/opt/srv',
      state: path.join(path.dirname(target), 'state'),
    });
    expect(siteDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test('refuses a faulty file', async () => {
    expect((await failure(loadSite(await file('site.yaml', 'kind: Site\n'), quietRun()))).code).toBe('CONFIG_INVALID');
  });
});

describe('loadDeleteImageSet', () => {
  test('reads a deletion, and refuses an image set', async () => {
    const text = imageSet.replace('ImageSet', 'DeleteImageSet').replace('mirror:', 'delete:');
    const loaded = await loadDeleteImageSet(await file('d.yaml', text), quietRun());
    expect(loaded.deleteImageSet.delete.additionalImages).toHaveLength(1);
    expect((await failure(loadDeleteImageSet(await file('d.yaml', imageSet), quietRun()))).message).toContain(
      'cannot parse "ImageSetConfiguration"',
    );
  });
});
