import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import { readChartFolder } from '../../../src/mirror/helm/chart.ts';
import { findImages, standardImagePaths } from '../../../src/mirror/helm/image-paths.ts';
import { renderChart } from '../../../src/mirror/helm/render.ts';
import { findProgram } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { gzip, tarOf } from '../memory-source.ts';

const helm = findProgram('helm');
const podOf = (image: string): string =>
  `spec:\n  template:\n    spec:\n      containers:\n      - {name: a, image: "${image}"}\n`;
const deployment = (image: string): string =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: "{{ .Release.Name }}-a"}\n${podOf(image)}`;
const job = (hook: string, image: string): string =>
  `apiVersion: batch/v1\nkind: Job\nmetadata: {name: ${hook}, annotations: {"helm.sh/hook": ${hook}}}\n${podOf(image)}`;

async function chartOf(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const folder = path.join(await temporaryFolder(), 'harbour');
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
  return folder;
}

async function imagesOf(files: Readonly<Record<string, string | Buffer>>): Promise<string[]> {
  const folder = await chartOf(files);
  const run = quietRun();
  const documents = await renderChart(helm ?? '', await readChartFolder(folder, run), folder, run);
  return [...new Set((documents ?? []).flatMap((one) => findImages(one, standardImagePaths)))].sort();
}

const chart = 'apiVersion: v2\nname: Harbour_Crane\nversion: 1.0.0\nappVersion: "2.1"\n';

// What helm itself does; it is a Go module: `go install helm.sh/helm/v3/cmd/helm@v3.18.6`.
describe.skipIf(!helm)(`renderChart with ${helm ?? 'helm (skipped: not installed)'}`, () => {
  test('renders default values, hooks and CRDs, but no tests; the name of a chart need not be one for a release', async () => {
    const found = await imagesOf({
      'Chart.yaml': chart,
      'values.yaml': 'image: registry.example.com/crane\nextra: false\n',
      'templates/a.yaml': deployment('{{ .Values.image }}:{{ .Chart.AppVersion }}'),
      'templates/b.yaml': `{{- if .Values.extra }}\n${deployment('registry.example.com/extra:1')}{{- end }}\n`,
      'templates/hook.yaml': job('pre-install', 'registry.example.com/hook:1'),
      'templates/tests/t.yaml': job('test', 'registry.example.com/test:1'),
      'templates/NOTES.txt': 'image: registry.example.com/note:1\n',
      'crds/a.yaml':
        'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\nspec:\n  containers: [{image: "registry.example.com/crd:1"}]\n',
    });
    expect(found).toEqual([
      'registry.example.com/crane:2.1',
      'registry.example.com/crd:1',
      'registry.example.com/hook:1',
    ]);
  });

  test.each(['>=1.20.0-0', '<1.20', '>=1.60', '1.18.x'])(
    'gives a chart that wants Kubernetes %s what it wants',
    async (kubeVersion) => {
      const files = {
        'Chart.yaml': `${chart}kubeVersion: "${kubeVersion}"\n`,
        'templates/a.yaml': deployment('registry.example.com/crane:1'),
      };
      expect(await imagesOf(files)).toEqual(['registry.example.com/crane:1']);
    },
  );

  test('renders packed sub-charts under their aliases, and not those that are switched off', async () => {
    const winch = {
      'Chart.yaml': 'apiVersion: v2\nname: winch\nversion: 0.1.0\n',
      'values.yaml': 'tag: none\n',
      'templates/a.yaml': deployment('registry.example.com/winch:{{ .Values.tag }}'),
    };
    const packed = gzip(
      tarOf(Object.fromEntries(Object.entries(winch).map(([name, text]) => [`winch/${name}`, text]))),
    );
    const dependencies =
      'dependencies:\n- {name: winch, alias: left, version: 0.1.0}\n- {name: winch, alias: right, version: 0.1.0, condition: right.enabled}\n';
    const files = {
      'Chart.yaml': chart + dependencies,
      'values.yaml': 'left: {tag: "1"}\nright: {tag: "2", enabled: false}\n',
      'charts/winch-0.1.0.tgz': packed,
    };
    expect(await imagesOf(files)).toEqual(['registry.example.com/winch:1']);
  });

  test('says what helm says against a chart', async () => {
    const files = { 'Chart.yaml': chart, 'templates/a.yaml': '{{ fail "no crane without a harbour" }}' };
    await expect(imagesOf(files)).rejects.toMatchObject({
      code: 'HELM_CHART_INVALID',
      message: expect.stringContaining('no crane without a harbour'),
    });
  });
});
