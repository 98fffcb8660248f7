import { describe, expect, test } from 'vitest';
import { emitSite, readStages, siteStages, stageFiles, toApplyStages } from '../../src/manifests/index.ts';
import { emitInputFor, fixtureSite, releaseRecord } from './site-builder.ts';

const input = emitInputFor(fixtureSite('ipv6'), [releaseRecord('4.19.10', 'amd64')]);
const files = emitSite(input);
const index = files.find((file) => file.path === 'stages.json')?.content ?? '';
const texts = Object.fromEntries(
  stageFiles(index).map((name) => [name, files.find((file) => file.path === name)?.content ?? '']),
);

describe('readStages', () => {
  test('gives back what was emitted', () => {
    expect(readStages(index, texts)).toEqual(JSON.parse(JSON.stringify(toApplyStages(siteStages(input)))));
  });

  test('leaves out a file that the user took away', () => {
    const [first = ''] = stageFiles(index);
    const { [first]: _, ...rest } = texts;
    expect(readStages(index, rest)[0]?.objects).toEqual([]);
  });

  test.each(['../../etc/passwd.yaml', '/etc/x.yaml', '01-x/../../y.yaml', '01-x/y.json'])(
    'refuses the path %s',
    (path) => {
      const evil = JSON.stringify({ kind: 'ManifestStages', stages: [{ files: [{ path, mode: 'apply' }] }] });
      expect(() => stageFiles(evil)).toThrow(expect.objectContaining({ code: 'MANIFEST_FILE_INVALID' }));
    },
  );
});
