import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { lintConfigFile, parseSite, renderInitFiles } from '../../src/config/index.ts';
import type { Finding } from '../../src/core/findings.ts';
import { hostedSite } from './sites.ts';

const seed = Number(process.env['AIRLOCK_SEED'] ?? 20261);

/** Repeatable numbers from 0 up to `below` (mulberry32). */
function numbers(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const pieces = [
  '\t',
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  ':',
  '- ',
  '# ',
  '&a ',
  '*a',
  '<<: ',
  '!!str ',
  '|\n',
  '\r\n',
  '\u0000',
  'é',
  '😀',
  '---\n',
  '%',
  '@',
  '`',
  '4.16',
  'null',
  ' ',
];

function mutate(text: string, next: (below: number) => number): string {
  let mutated = text;
  for (let count = 1 + next(3); count > 0; count -= 1) {
    const at = next(mutated.length + 1);
    const kind = next(4);
    const lines = mutated.split('\n');
    if (kind === 0) mutated = mutated.slice(0, at) + (pieces[next(pieces.length)] ?? '') + mutated.slice(at);
    else if (kind === 1) mutated = mutated.slice(0, at) + mutated.slice(at + 1 + next(12));
    else if (kind === 2) mutated = [...lines, lines[next(lines.length)] ?? ''].join('\n');
    else {
      lines.splice(next(lines.length), 0, lines[next(lines.length)] ?? '');
      mutated = lines.join('\n');
    }
  }
  return mutated;
}

function expectPlaces(findings: readonly Finding[], text: string): void {
  const lines = text.split('\n');
  let last = 0;
  for (const { place } of findings) {
    const line = lines[(place?.line ?? 0) - 1];
    expect(line, `line ${place?.line} of ${lines.length}`).toBeDefined();
    expect(place?.column).toBeGreaterThan(0);
    expect(place?.column).toBeLessThanOrEqual((line?.length ?? 0) + 2);
    expect(place?.line).toBeGreaterThanOrEqual(last);
    last = place?.line ?? 0;
  }
}

const bundles = path.resolve(import.meta.dirname, '../../bundles');
const texts: readonly (readonly [string, string])[] = [
  ['site of the tests', hostedSite],
  ['dual-stack site', readFileSync(path.join(bundles, 'hosted-dual/site.yaml'), 'utf8')],
  ['image set', readFileSync(path.join(bundles, 'hosted-dual/imageset.yaml'), 'utf8')],
  ['first image set', renderInitFiles()[1]?.content.replace(/^( *)# /gm, '$1') ?? ''],
];

describe(`Damaged files, seed ${seed}`, () => {
  test.each(texts)('are told by places that are in the file: %s', (_, text) => {
    const next = numbers(seed);
    let told = 0;
    for (let round = 0; round < 100; round += 1) {
      const damaged = mutate(text, next);
      const findings = lintConfigFile('f.yaml', damaged);
      expectPlaces(findings, damaged.startsWith('\ufeff') ? damaged.slice(1) : damaged);
      if (findings.length > 0) told += 1;
    }
    expect(told).toBeGreaterThan(30);
  });
});

describe('Large files', () => {
  test('are read in seconds: a site of a thousand hosts', () => {
    const host = (index: number): string => `      - name: worker-${index}
        addresses: [10.0.${index >> 8}.${index & 255}]
        macAddress: "52:54:00:00:${(index >> 8).toString(16).padStart(2, '0')}:${(index & 255).toString(16).padStart(2, '0')}"
        bmc: {address: "redfish-virtualmedia://10.1.${index >> 8}.${index & 255}/redfish/v1/Systems/1", credentialsFile: bmc}
`;
    const head = hostedSite
      .slice(0, hostedSite.indexOf('      - name: worker-0'))
      .replace('replicas: 2\n', 'replicas: 1000\n')
      .replace('[192.0.2.0/24]', '[10.0.0.0/16]');
    const text =
      head.replace('ingressVIPs: [192.0.2.40]', 'ingressVIPs: [10.0.200.1]') +
      Array.from({ length: 1000 }, (_, index) => host(index + 1)).join('');
    const started = performance.now();
    const { value, findings } = parseSite(text, 'site.yaml', { folder: '/srv' });
    expect(findings).toEqual([]);
    expect(value?.hostedClusters[0]?.nodePools[0]?.hosts).toHaveLength(1000);
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  test('are read in seconds: an image set of ten thousand images', () => {
    const lines = Array.from({ length: 10_000 }, (_, index) => `  - name: quay.io/kitchen/pot-${index}:1\n`).join('');
    const started = performance.now();
    const head =
      'apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\nmirror:\n  additionalImages:\n';
    expect(lintConfigFile('isc.yaml', head + lines)).toEqual([]);
    expect(lintConfigFile('isc.yaml', head + lines.replaceAll(':1\n', ':-\n'))).toHaveLength(10_000);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
