import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { formatFinding, lintConfigFile, parseDeleteImageSet, parseImageSet } from '../../src/config/index.ts';
import { hasErrors } from '../../src/core/findings.ts';
import { describeShared } from '../helpers/real.ts';

function errorsOf(file: string): string[] {
  const findings = lintConfigFile(path.basename(file), readFileSync(file, 'utf8'));
  return findings.filter((finding) => finding.severity === 'error').map(formatFinding);
}

describeShared('Published ImageSetConfigurations', 'data/isc', (folder) => {
  const files = (name: string): string[] => (folder ? readdirSync(path.join(folder, name)).sort() : ['none']);

  test.each(files('valid/v2alpha1'))('loads %s', (name) => {
    const parsed = parseImageSet(readFileSync(path.join(folder, 'valid/v2alpha1', name), 'utf8'), name);
    expect(parsed.findings.filter((finding) => finding.severity === 'error')).toEqual([]);
    expect(parsed.value).toBeDefined();
  });

  test.each(files('valid/delete'))('loads the deletion %s', (name) => {
    const parsed = parseDeleteImageSet(readFileSync(path.join(folder, 'valid/delete', name), 'utf8'), name);
    expect(hasErrors(parsed.findings)).toBe(false);
    expect(parsed.value).toBeDefined();
  });

  const refused: [string, RegExp][] = [
    ['load/karmab-mirror-config.yaml', /^[^:]+:1:2: not YAML.*template/],
    ['load/openshift-README_v1-L43.yaml', /missing the `mirror` stanza/],
    ['load/openshift-README_v1-L51.yaml', /missing the `mirror` stanza/],
    ['load/openshift-additional_isc.yaml', /not YAML.*template/],
    [
      'load/openshift-imageset-config-filter-catalog-by-bundle-4.16.yaml',
      /:17:7: mirror\.operators\[0\]\.packages\[0\]\.bundles: unknown field "bundles"/,
    ],
    [
      'load/openshift-imageset-config-oci-mirror.yaml',
      /:4:1: storageConfig: unknown field "storageConfig": it belongs to oc-mirror v1 \(remove it/,
    ],
    ['load/openshift-imageset.yaml.yaml', /not YAML.*template/],
    ['load/openshift-isc-platforms-and-archs.yaml', /:10:5: .*platforms and architectures cannot be used together/],
    ['load/openshift-load_test-L112.yaml', /:4:3: mirror\.foo: unknown field "foo"/],
    ['load/openshift-load_test-L227.yaml', /missing the `mirror` stanza/],
    ['load/openshift-load_test-L235.yaml', /:4:3: delete\.foo: unknown field "foo"/],
    [
      'load/openshift-load_test-L347.yaml',
      /:3:1: mirrors: .*missing the `mirror` stanza \("mirrors" should be written "mirror"\)/,
    ],
    ['load/openshift-load_test-L378.yaml', /:6:1: mirror: key "mirror" is already set on line 3/],
    ['load/openshift-load_test-L424.yaml', /:6:1: mirror: mirror: is not allowed in DeleteImageSetConfiguration/],
    ['load/openshift-load_test-L440.yaml', /:6:1: delete: key "delete" is already set on line 3/],
    ['load/openshift-release_isc-4.16.yaml', /not YAML.*template/],
    ['load/yakovbeder-API-L206.yaml', /missing `kind`|not YAML/],
    ['load/yakovbeder-basic-config.yaml', /missing `kind` \("ikind" should be written "kind"\)/],
    ['validate/blocked-image-bad-regex.yaml', /:5:11: .*invalid regular expression: missing closing \]/],
    ['validate/channel-versions-not-semver.yaml', /:10:21: .*"abc" must respect semantic versioning/],
    [
      'validate/duplicate-catalogs.yaml',
      /:6:14: .*catalog "test-catalog:latest": duplicate found in configuration, first on line 5/,
    ],
    ['validate/duplicate-packages.yaml', /:9:13: .*"package1": duplicate found/],
    [
      'validate/duplicate-release-channels.yaml',
      /:7:13: .*release channel "channel": duplicate found in configuration/,
    ],
    [
      'validate/mixed-package-and-channel-versions.yaml',
      /mixing both filtering by minVersion\/maxVersion and filtering by channel/,
    ],
    ['validate/target-catalog-contains-tag.yaml', /:6:20: .*"test:v1\.3" \(it should not contain a tag or digest/],
  ];

  test.each(refused)('refuses %s with its reason', (name, reason) => {
    expect(errorsOf(path.join(folder, 'invalid', name)).join('\n')).toMatch(reason);
  });

  test('holds no refused file that the table forgets', () => {
    const names = ['load', 'validate'].flatMap((one) => files(`invalid/${one}`).map((name) => `${one}/${name}`));
    expect(names.sort()).toEqual(refused.map(([name]) => name).sort());
  });

  test.each(files('invalid/v1alpha1'))('says of the v1alpha1 file %s what to change', (name) => {
    const text = readFileSync(path.join(folder, 'invalid/v1alpha1', name), 'utf8');
    const findings = lintConfigFile(name, text);
    expect(hasErrors(findings)).toBe(true);
    const told = findings.find((finding) => finding.code === 'CONFIG_V1' && finding.place?.path === 'apiVersion');
    expect(told?.hint).toContain('mirror.openshift.io/v2alpha1');
  });

  test.each(files('valid/v1alpha2'))('says of the v1alpha2 file %s what to change', (name) => {
    const text = readFileSync(path.join(folder, 'valid/v1alpha2', name), 'utf8');
    const told = lintConfigFile(name, text).filter((finding) => finding.code === 'CONFIG_V1');
    expect(told.map((finding) => finding.place?.path)).toContain('apiVersion');
    if (/^storageConfig:/m.test(text)) expect(told.map((finding) => finding.place?.path)).toContain('storageConfig');
    for (const finding of told) expect(finding.hint).toBeDefined();
  });

  test.each(files('invalid/edge'))('reads %s without a crash', (name) => {
    const text = readFileSync(path.join(folder, 'invalid/edge', name), 'utf8');
    for (const finding of lintConfigFile(name, text)) expect(finding.place?.line).toBeGreaterThan(0);
  });
});

describeShared('Configurations that the real tool refused', 'golden/cases', (folder) => {
  const refused: [string, RegExp][] = [
    ['02i-release-badversion', /:7:19: .*"4\.19" is not a semantic version/],
    ['02j-release-badversion-min', /:7:19: .*"4\.19" is not a semantic version/],
    ['02m-release-min-above-max', /:7:19: .*minVersion 4\.19\.10 is above maxVersion 4\.19\.8/],
    ['04g-graph-only', /mirror\.platform\.graph: an update graph without any release/],
    ['05n3-op-oci-twice', /is also on line 5 with another selection/],
    ['05n4-op-catalog-twice', /is also on line 5 with another selection/],
    ['05x06-range-both', /:11:21: .*mixing both filtering/],
    ['05x07-duplicate-package', /package "alpha-operator": duplicate found/],
    [
      '05x08-duplicate-catalog',
      /catalog "registry\.redhat\.io\/redhat\/redhat-operator-index:v4\.19": duplicate found in configuration/,
    ],
    ['05x11-float-version', /:8:19: .*has to be text, but is the number 1\.2 \(put it in quotes: "1\.2"\)/],
    ['05x12-bad-semver', /"abc" must respect semantic versioning notation/],
    ['05x13-bad-target', /invalid target path "Mirror\/X"/],
    ['05x14-selected-bundles', /unknown field "bundles"/],
    ['07h-blocked-bad-regex', /missing argument to repetition operator/],
    ['13e-nothing', /mirror: asks for nothing/],
    ['13m1-config-unknown-field', /unknown field "storageConfig"/],
    ['13m2-config-no-kind', /configuration missing `kind`/],
    ['13m4-config-no-mirror', /configuration missing the `mirror` stanza/],
    ['13m5-config-duplicate-key', /:3:1: mirror: key "mirror" is already set on line 2/],
    ['13m6-config-delete-in-an-ISC', /delete: is not allowed in ImageSetConfiguration/],
    ['13m7-config-platforms-and-architectures', /platforms and architectures cannot be used together/],
    ['13m8-config-archiveSize-as-text', /:2:14: archiveSize: has to be a whole number, but is the text "ten"/],
    ['13m9-config-same-channel-twice', /release channel "stable-4\.19": duplicate found in configuration/],
  ];

  test.each(refused)('refuses %s with its reason', (name, reason) => {
    expect(errorsOf(path.join(folder, name, 'isc.yaml')).join('\n')).toMatch(reason);
  });

  test('refuses a file of another kind', () => {
    const file = path.join(folder, '13m3-config-other-kind/isc.yaml');
    const { value, findings } = parseImageSet(readFileSync(file, 'utf8'), 'isc.yaml');
    expect(value).toBeUndefined();
    expect(findings.map(formatFinding)).toContain(
      'isc.yaml:1:7: kind: cannot parse "Foo" as "ImageSetConfiguration" (write "kind: ImageSetConfiguration")',
    );
  });

  test('says of a range below "full" that it will fail', () => {
    const text = readFileSync(path.join(folder, '05x05-full-and-range/isc.yaml'), 'utf8');
    const [finding] = parseImageSet(text, 'isc.yaml').findings;
    expect(finding).toMatchObject({
      code: 'CONFIG_CONFLICT',
      severity: 'warning',
      place: { path: 'mirror.operators[0].packages[0].minVersion' },
    });
  });

  test('loads every pinned configuration that the real tool wrote', () => {
    // 04g, 05n3, 05n4: refused in any form. 09: a negative archiveSize, with which the real tool dies.
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (name) => /(?:isc|disc)_pinned_/.test(name) && !/^(?:04g|05n[34]|09-segments)/.test(name),
    );
    expect(names.length).toBeGreaterThan(100);
    expect(names.flatMap((name) => errorsOf(path.join(folder, name)))).toEqual([]);
  });

  test('loads every configuration that the real tool took and ended with', () => {
    const bad: string[] = [];
    for (const name of readdirSync(folder)) {
      if (refused.some(([one]) => one === name) || name.startsWith('13m3')) continue;
      const file = path.join(folder, name, 'isc.yaml');
      let text: string;
      try {
        text = readFileSync(file, 'utf8');
      } catch {
        continue;
      }
      const errors = lintConfigFile(name, text).filter((finding) => finding.severity === 'error');
      bad.push(...errors.map(formatFinding));
    }
    // 13d2, 13d4: names that no registry takes; the real tool finds out while it copies, with exit code 8.
    expect(bad.filter((line) => !line.startsWith('13d'))).toEqual([]);
  });
});
