import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderSiteReference, renderSiteSchema } from '../../src/config/index.ts';
import { knownKeys } from '../../src/config/site-schema.ts';
import { validateSite } from './site-schema-validator.ts';
import { hostedSite, smallSite } from './sites.ts';

const folder = path.resolve(import.meta.dirname, '../..');

describe('The JSON Schema of a site', () => {
  // To bring both files up to date: npx vitest run test/config/site-schema.test.ts -u
  test('is shipped up to date', async () => {
    await expect(renderSiteSchema()).toMatchFileSnapshot(path.join(folder, 'schema/site.schema.json'));
  });

  test('is documented up to date', async () => {
    const file = path.join(folder, 'docs/site.md');
    const marks = /(<!-- fields -->\n)[\s\S]*(\n<!-- end of fields -->)/;
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(marks);
    await expect(
      text.replace(marks, (_, before, after) => `${before}${renderSiteReference()}${after}`),
    ).toMatchFileSnapshot(file);
  });

  test.each([
    ['small', smallSite],
    ['hosted', hostedSite.replace('52:54:00:00:00:0A', '"52:54:00:00:00:0A"')],
  ])('takes the %s site', (_, text) => {
    expect(validateSite(text)).toEqual([]);
  });

  test.each([
    ['an unknown key', 'registri: {}'],
    ['another mode', 'registry: {mode: docker}'],
    ['a port beyond the last', 'registry: {port: 70000}'],
    ['a number for a version', 'managementCluster: {multiclusterEngine: {version: 2.9}}'],
  ])('refuses %s', (_, line) => {
    expect(validateSite(`${smallSite}  ${line}\n`)).not.toEqual([]);
  });

  test('describes every field', () => {
    const rows = renderSiteReference()
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(rows.length).toBeGreaterThan(150);
    expect(rows.filter((row) => row.endsWith('|  |'))).toEqual([]);
    expect(rows.filter((row) => /\| (?:any|undefined) \|/.test(row))).toEqual([]);
  });

  test('knows the keys of lists and defaults', () => {
    expect(knownKeys(['spec', 'hostedClusters', 0, 'nodePools', 3, 'hosts', 1])).toContain('macAddress');
    expect(knownKeys(['spec', 'registry'])).toContain('passwordFile');
    expect(knownKeys(['spec', 'nothing'])).toEqual([]);
  });
});
