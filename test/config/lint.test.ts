import { describe, expect, test } from 'vitest';
import { detectKind, lintConfigFile } from '../../src/config/index.ts';
import { smallSite } from './sites.ts';

describe('detectKind', () => {
  test.each([
    [smallSite, 'Site'],
    ['kind: ImageSetConfiguration\nmirror: {}\nmirror: {}\n', 'ImageSetConfiguration'],
    ['a: [\nkind: "DeleteImageSetConfiguration"\n', 'DeleteImageSetConfiguration'],
    ['{{ range . }}\nkind: ImageSetConfiguration\n', 'ImageSetConfiguration'],
    ['mirror: {}\n', 'ImageSetConfiguration'],
    ['storageConfig: {}\n', 'ImageSetConfiguration'],
    ['delete: {}\n', 'DeleteImageSetConfiguration'],
    ['apiVersion: airlock/v1alpha1\n', 'Site'],
    ['apiVersion: v1\nkind: ConfigMap\n', 'ConfigMap'],
    ['unqualified-search-registries = ["docker.io"]\n', undefined],
    ['', undefined],
  ])('finds the kind of %j', (text, kind) => {
    expect(detectKind(text)).toBe(kind);
  });
});

describe('lintConfigFile', () => {
  test('has nothing to say of a good file, nor of other kinds', () => {
    expect(lintConfigFile('site.yaml', smallSite)).toEqual([]);
    expect(lintConfigFile('cm.yaml', 'kind: ConfigMap\nnonsense: true\n')).toEqual([]);
  });

  test.each([
    ['kind: Site\n', 'CONFIG_KIND'],
    ['kind: ImageSetConfiguration\nmirror: {}\n', 'CONFIG_EMPTY'],
    ['kind: DeleteImageSetConfiguration\n', 'CONFIG_MISSING'],
    ['nothing: here\n', 'CONFIG_KIND'],
    ['a: [\n', 'CONFIG_SYNTAX'],
  ])('finds the fault of %j', (text, code) => {
    const findings = lintConfigFile('f.yaml', text);
    expect(findings.map((finding) => finding.code)).toContain(code);
    expect(findings.every((finding) => finding.place?.file === 'f.yaml')).toBe(true);
  });
});
