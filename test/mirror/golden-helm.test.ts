import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectCase, type GoldenSource, openGoldenSource, stepFolder, targetTags } from '../helpers/golden.ts';
import { describeShared, findProgram } from '../helpers/real.ts';

const helm = findProgram('helm');
const noHelm = { helmProgram: '/nonexistent/helm', removeSignatures: true };

describeShared('collectImageSet on golden Helm cases', 'golden', (golden) => {
  let source: GoldenSource;
  beforeAll(async () => {
    source = await openGoldenSource(golden);
  });
  afterAll(() => source.close());
  const collect = (name: string, options: object = noHelm) =>
    collectCase(source, path.join(golden, 'cases', name, 'isc.yaml'), options, (text) =>
      text.replaceAll('$BASE/charts', path.join(golden, 'source/local-charts')),
    );

  test.each(['06a-charts-listed', '06c-charts-local'])(
    '%s finds the images that the real tool found, without helm',
    async (name) => {
      const set = await collect(name);
      expect(set.missing).toEqual([]);
      expect(set.notes.map((note) => note.code)).toContain('HELM_NOT_RENDERED');
      const own = new Map(set.images.map((image) => [`${image.repository}:${image.tag}`, image.digest as string]));
      const d2m = stepFolder(golden, name, 'd2m');
      expect(d2m && Object.fromEntries(targetTags(d2m))).toEqual(Object.fromEntries(own));
    },
  );

  // helm is a Go module: `go install helm.sh/helm/v3/cmd/helm@v3.18.6`.
  test.skipIf(!helm).each(['06a-charts-listed', '06c-charts-local'])(
    '%s finds them with the real helm',
    async (name) => {
      const set = await collect(name, { helmProgram: helm, removeSignatures: true });
      expect(set.missing).toEqual([]);
      expect(set.notes.map((note) => note.code)).not.toContain('HELM_NOT_RENDERED');
      const own = new Map(set.images.map((image) => [`${image.repository}:${image.tag}`, image.digest as string]));
      const d2m = stepFolder(golden, name, 'd2m');
      expect(d2m && Object.fromEntries(targetTags(d2m))).toEqual(Object.fromEntries(own));
    },
  );

  test('06d-charts-no-version takes the newest chart (the real tool does not find it again on the far side)', async () => {
    const set = await collect('06d-charts-no-version');
    expect(set.missing).toEqual([]);
    expect(set.images.map((image) => `${image.repository}:${image.tag}`).sort()).toEqual([
      'acme/exporter:9',
      'acme/web-init:0.1',
      'acme/web:1.1',
    ]);
    expect(set.files.map((file) => file.path)).toContain('working-dir/helm/charts/acme-web-1.1.0.tgz');
  });

  test('renders with helm where there is one and reads the documented paths', async () => {
    const helm = path.join(source.folder, 'helm');
    const rendered = `kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - image: registry.example.com/acme/web:1.1\n      - image: registry.example.com/acme/web-untagged\n---\nkind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers:\n          - image: registry.example.com/acme/db-backup:0.3\n`;
    writeFileSync(
      helm,
      `#!/bin/sh\n[ "$1 $3" = "template --include-crds" ] && [ -e "$2" ] || exit 1\ncat <<'END'\n${rendered}END\n`,
    );
    chmodSync(helm, 0o755);
    const set = await collect('06a-charts-listed', { helmProgram: helm, removeSignatures: true });
    expect(set.missing).toEqual([]);
    expect(set.notes).toEqual([]);
    expect(set.images.map((image) => `${image.repository}:${image.tag} ${image.reason}`)).toEqual([
      'acme/db-backup:0.3 chart acme-db 0.3.0 from https://charts.example.com/stable',
      expect.stringMatching(/^acme\/web:1\.1 chart/),
    ]);
    expect(
      set.files.filter((file) => file.path.includes('/helm/charts/')).map((file) => path.basename(file.path)),
    ).toEqual(['acme-db-0.3.0.tgz', 'acme-umbrella-2.0.0.tgz', 'acme-web-1.0.0.tgz']);
  });

  test('06f-charts-all-noslash takes every chart of the repository (the real tool wants a final slash)', async () => {
    const set = await collect('06f-charts-all-noslash');
    expect(set.missing).toEqual([]);
    // Where the real tool looks for it: without the slash that is the folder above.
    expect(set.files.map((file) => file.path)).toContain('working-dir/helm/indexes/charts.example.com/index.yaml');
    expect(set.files.filter((file) => file.path.endsWith('.tgz'))).toHaveLength(4);
  });

  test('a password in the URL of a repository goes to its server and nowhere else', async () => {
    const set = await collectCase(source, path.join(golden, 'cases/06f-charts-all-noslash/isc.yaml'), noHelm, (text) =>
      text.replace('https://', 'https://kitchen:pepper@'),
    );
    expect(set.missing).toEqual([]);
    expect(set.files.map((file) => file.path)).toContain('working-dir/helm/indexes/charts.example.com/index.yaml');
    expect(JSON.stringify([set.files, set.images, set.notes])).not.toContain('pepper');
  });

  test.each([
    ['06e-charts-missing', 'HELM_CHART_UNKNOWN', /no chart acme-gone 1\.0\.0/],
    ['06g-charts-local-missing', 'FILE_NOT_FOUND', /none\.tgz/],
  ])('%s says what is missing and goes on', async (name, code, cause) => {
    const set = await collect(name);
    expect(set.missing).toEqual([
      expect.objectContaining({ type: 'helmImage', code, cause: expect.stringMatching(cause) }),
    ]);
    expect(set.images.length).toBeGreaterThan(0);
  });
});
