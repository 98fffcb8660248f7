import { describe, expect, test } from 'vitest';
import { readChartArchive } from '../../../src/mirror/helm/chart.ts';
import { estimateImages } from '../../../src/mirror/helm/estimate.ts';
import { gzip, tarOf } from '../memory-source.ts';

type Files = Readonly<Record<string, string | Buffer>>;

/** A packaged chart; a sub-chart's package goes in as it is. */
function pack(name: string, files: Files): Buffer {
  const members = Object.entries(files).map(([file, content]) => [`${name}/${file}`, content]);
  return gzip(tarOf(Object.fromEntries(members)));
}

const images = async (files: Files): Promise<string[]> =>
  estimateImages(await readChartArchive(pack('harbour', files), 'harbour.tgz'));

const chart = 'apiVersion: v2\nname: harbour\nversion: 1.0.0\nappVersion: "2.1"\n';
const sub = (name: string, image: string): Files => ({
  'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: 0.1.0\n`,
  'values.yaml': `image: ${image}\n`,
});

describe('estimateImages', () => {
  test('reads templates and default values', async () => {
    const found = await images({
      'Chart.yaml': chart,
      'values.yaml':
        'crane: {image: registry.example.com/crane, tag: ""}\nwinch: {image: {repository: registry.example.com/winch, tag: 3}}\n',
      'templates/a.yaml': 'image: "{{ .Values.crane.image }}:{{ .Values.crane.tag | default .Chart.AppVersion }}"\n',
      'templates/tests/t.yaml':
        'metadata: {annotations: {"helm.sh/hook": test}}\nspec:\n  image: registry.example.com/test:1\n',
    });
    expect(found).toEqual(['registry.example.com/crane:2.1', 'registry.example.com/winch:3']);
  });

  test.each([
    [
      '{{ printf "%s/%s:%s" .Values.registry .Values.name (.Values.tag | default .Chart.AppVersion) }}',
      'registry.example.com/crane:2.1',
    ],
    ['{{ printf "%s:%s" (printf "%s/%s" .Values.registry "winch") "3" | quote }}', 'registry.example.com/winch:3'],
    ['{{ include "harbour.image" . }}', 'registry.example.com/crane:2.1'],
    ['{{- include "harbour.outer" $ -}}', 'registry.example.com/crane:2.1'],
    ['{{ coalesce .Values.tag .Values.full }}', 'registry.example.com/full:9'],
    ['{{ required "an image" .Values.full }}', 'registry.example.com/full:9'],
    ['{{ .Values.registry | trimSuffix ".com" }}.org/a:{{ .Values.number }}', 'registry.example.org/a:7'],
    ['{{ tpl .Values.full . }}', 'registry.example.com/full:9'],
    ['registry.example.com/{{ .Chart.Name }}:1', 'registry.example.com/harbour:1'],
    // More than can be told without rendering.
    ['{{ $image }}:1', ''],
    ['{{ include "harbour.block" . }}', ''],
    ['{{ index .Values.list 0 }}', ''],
  ])('puts %s together', async (expression, expected) => {
    const found = await images({
      'Chart.yaml': chart,
      'values.yaml':
        'registry: registry.example.com\nname: crane\ntag: ""\nfull: registry.example.com/full:9\nnumber: 7\nlist: [a]\n',
      'templates/a.yaml': `spec:\n  image: ${expression}\n`,
      'templates/_helpers.tpl':
        '{{/* names */}}\n{{- define "harbour.image" -}}\n{{ .Values.registry }}/{{ .Values.name }}:{{ default .Chart.AppVersion .Values.tag }}\n{{- end -}}\n' +
        '{{- define "harbour.outer" }}{{ include "harbour.image" . }}{{ end }}\n' +
        '{{- define "harbour.block" }}{{ if .Values.tag }}a:1{{ end }}{{ end }}\n',
    });
    expect(found).toEqual(expected === '' ? [] : [expected]);
  });

  test('reads sub-charts, unpacked and packed, to any depth', async () => {
    const deep = pack('deep', sub('deep', 'registry.example.com/deep:1'));
    const packed = pack('packed', { ...sub('packed', 'registry.example.com/packed:1'), 'charts/deep-0.1.0.tgz': deep });
    const found = await images({
      'Chart.yaml': chart,
      'charts/packed-0.1.0.tgz': packed,
      'charts/plain/Chart.yaml': sub('plain', '')['Chart.yaml'] ?? '',
      'charts/plain/values.yaml': 'image: registry.example.com/plain:1\n',
    });
    expect(found).toEqual([
      'registry.example.com/deep:1',
      'registry.example.com/packed:1',
      'registry.example.com/plain:1',
    ]);
  });

  test('gives a sub-chart its values under its alias, once for each, and the global ones', async () => {
    const dependencies =
      'dependencies:\n- {name: winch, alias: left, version: 0.1.0}\n- {name: winch, alias: right, version: 0.1.0}\n';
    const winch = {
      'Chart.yaml': 'apiVersion: v2\nname: winch\nversion: 0.1.0\n',
      'values.yaml': 'tag: none\n',
      'templates/a.yaml': 'image: "{{ .Values.global.registry }}/winch:{{ .Values.tag }}"\n',
    };
    const found = await images({
      'Chart.yaml': chart + dependencies,
      'values.yaml': 'global: {registry: registry.example.com}\nleft: {tag: "1"}\nright: {tag: "2"}\n',
      'charts/winch-0.1.0.tgz': pack('winch', winch),
    });
    expect(found).toEqual(['registry.example.com/winch:1', 'registry.example.com/winch:2']);
  });

  test('leaves out a sub-chart that the default values switch off', async () => {
    const dependencies =
      'dependencies:\n- {name: winch, condition: "winch.enabled,global.winch"}\n- {name: buoy, condition: buoy.enabled}\n';
    const found = await images({
      'Chart.yaml': chart + dependencies,
      'values.yaml': 'global: {winch: false}\n',
      'charts/winch.tgz': pack('winch', sub('winch', 'registry.example.com/winch:1')),
      'charts/buoy.tgz': pack('buoy', sub('buoy', 'registry.example.com/buoy:1')),
    });
    expect(found).toEqual(['registry.example.com/buoy:1']);
  });
});
