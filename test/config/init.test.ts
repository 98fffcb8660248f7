import { describe, expect, test } from 'vitest';
import { lintConfigFile, parseImageSet, parseSite, renderInitFiles, renderSiteSchema } from '../../src/config/index.ts';

function content(name: string, options = {}): string {
  return renderInitFiles(options).find((file) => file.name === name)?.content ?? '';
}

/** What the user has after taking the "# " away everywhere. */
function uncommented(text: string): string {
  return text.replace(/^( *)# (?!yaml-language-server)/gm, '$1');
}

describe('renderInitFiles', () => {
  test.each(['site.yaml', 'imageset.yaml'])('writes a %s without a finding', (name) => {
    expect(lintConfigFile(name, content(name))).toEqual([]);
    expect(content(name)).toMatch(/kind: (?:Site|ImageSetConfiguration)/);
  });

  test('writes comments that are valid once taken in', () => {
    const site = parseSite(uncommented(content('site.yaml')), 'site.yaml', { folder: '/srv' });
    expect(site.findings.filter((finding) => finding.severity !== 'warning')).toEqual([]);
    expect(site.value?.hostedClusters[0]?.nodePools[0]?.hosts[0]?.name).toBe('worker-0');
    const set = parseImageSet(uncommented(content('imageset.yaml')), 'imageset.yaml');
    expect(set.findings).toEqual([]);
    expect(set.value?.mirror).toMatchObject({
      platform: { graph: true },
      operators: [{}],
      additionalImages: [{}],
      blockedImages: [{}],
    });
  });

  test('names the schema in the first line and writes it beside', () => {
    expect(content('site.yaml')).toMatch(/^# yaml-language-server: \$schema=\.\/site\.schema\.json\n/);
    expect(content('site.schema.json')).toBe(renderSiteSchema());
  });

  test('takes name, domain and place of the schema', () => {
    const options = { name: 'north', baseDomain: 'north.example.org', schema: '/opt/airlock/schema/site.schema.json' };
    expect(renderInitFiles(options).map((file) => file.name)).toEqual(['site.yaml', 'imageset.yaml']);
    const site = parseSite(content('site.yaml', options), 'site.yaml', { folder: '/srv' }).value;
    expect(site).toMatchObject({ name: 'north', baseDomain: 'north.example.org', imageSet: '/srv/imageset.yaml' });
    expect(content('site.yaml', options)).toContain('$schema=/opt/airlock/schema/site.schema.json');
  });
});
