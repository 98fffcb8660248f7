import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadImageSet, loadSite } from '../../src/config/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { validateSite } from './site-schema-validator.ts';

const root = path.resolve(import.meta.dirname, '../../bundles');
const names = readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() && entry.name !== 'out' ? [entry.name] : [],
);

describe('Ready-made sites', () => {
  test('are there', () => {
    expect(names).toEqual(expect.arrayContaining(['demo', 'hosted-dual', 'hosted-ipv4', 'hosted-ipv6']));
  });

  test.each(names)('%s loads without a finding', async (name) => {
    const { site, findings } = await loadSite(path.join(root, name, 'site.yaml'), quietRun());
    expect(findings).toEqual([]);
    expect(site.imageSet).toBe(path.join(root, name, 'imageset.yaml'));
    expect((await loadImageSet(site.imageSet ?? '', quietRun())).findings).toEqual([]);
    expect(existsSync(path.join(root, name, 'README.md'))).toBe(true);
  });

  test.each(names)('%s fits the JSON Schema that its first line names', (name) => {
    const text = readFileSync(path.join(root, name, 'site.yaml'), 'utf8');
    const schema = /^# yaml-language-server: \$schema=(.*)$/m.exec(text)?.[1] ?? '';
    expect(existsSync(path.resolve(root, name, schema))).toBe(true);
    expect(validateSite(text)).toEqual([]);
  });

  test.each([
    ['hosted-ipv4', [4]],
    ['hosted-ipv6', [6]],
    ['hosted-dual', [4, 6]],
  ])('%s has the families of its name everywhere', async (name, families) => {
    const { site } = await loadSite(path.join(root, name, 'site.yaml'), quietRun());
    expect(site.families).toEqual(families);
    expect(site.hostedClusters.map((cluster) => cluster.families)).toEqual([families]);
    if (name === 'hosted-ipv6') expect(readFileSync(site.file, 'utf8')).not.toMatch(/\d+\.\d+\.\d+\.\d+/);
  });
});
