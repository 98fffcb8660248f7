import { describe, expect, test } from 'vitest';
import { parseRepositoryIndex, selectChart } from '../../../src/mirror/helm/repository.ts';
import { parseHttpUrl } from '../../../src/mirror/http-access.ts';

const versions = ['1.2.0', '1.10.1', '1.9.9', '2.0.0-rc.1', 'v1.3.0', 'odd', '0.9.0'];
const index = `entries:
  crane: [${versions.map((version) => `{version: "${version}", urls: [crane-${version}.tgz]}`).join(', ')}]
  new: [{version: 1.0.0-beta.1, urls: ["oci://registry.example.com/charts/new"]}]
`;
const entries = parseRepositoryIndex(index, 'https://charts.example.com/stable/index.yaml');

describe('selectChart', () => {
  test.each<[string | undefined, string]>([
    [undefined, '1.10.1'],
    ['', '1.10.1'],
    ['1.2.0', '1.2.0'],
    ['v1.2.0', '1.2.0'],
    ['1.3.0', 'v1.3.0'],
    ['~1.2', '1.2.0'],
    ['~1.9', '1.9.9'],
    ['>=1.0 <1.9', 'v1.3.0'],
    ['^0.9 || ^1', '1.10.1'],
    ['1.x', '1.10.1'],
    ['<1', '0.9.0'],
    ['>=2.0.0-0', '2.0.0-rc.1'],
    ['2.0.0-rc.1', '2.0.0-rc.1'],
    // What is named as it stands needs no sense.
    ['odd', 'odd'],
  ])('of version %s takes %s', (version, expected) => {
    expect(selectChart(entries, 'crane', version).version).toBe(expected);
  });

  test.each([
    ['crane', '>=2'],
    ['crane', '3.0.0'],
    ['crane', 'newest'],
    ['new', undefined],
    ['gone', undefined],
  ])('has no %s %s', (name, version) => {
    expect(() => selectChart(entries, name, version)).toThrow(expect.objectContaining({ code: 'HELM_CHART_UNKNOWN' }));
  });

  test('makes addresses whole, and keeps those of other kinds for whoever asks for them', () => {
    expect(selectChart(entries, 'crane', '1.2.0').url).toBe('https://charts.example.com/stable/crane-1.2.0.tgz');
    expect(selectChart(entries, 'new', '1.0.0-beta.1').url).toBe('oci://registry.example.com/charts/new');
  });
});

test('what is no index is told without the password of its URL', () => {
  const url = 'https://cook:paprika@charts.example.com/stable/index.yaml';
  expect(() => parseRepositoryIndex('apiVersion: v1', url)).toThrow(
    'https://charts.example.com/stable/index.yaml is no index of a Helm repository',
  );
  expect(() => parseHttpUrl('ftp://cook:paprika@charts.example.com/')).toThrow(/^(?!.*paprika).*is not an http/);
});
