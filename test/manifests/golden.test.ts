import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseYamlStream } from '../../src/core/yaml.ts';
import {
  imageDigestMirrorSets,
  imageTagMirrorSets,
  type MirrorTarget,
  mirrorMappings,
  type Resource,
} from '../../src/manifests/index.ts';
import { describeShared } from '../helpers/real.ts';
import { goldenRecords, goldenSteps } from './golden-records.ts';

const provenance = { createdAt: '2026-01-02T03:04:05Z', toolVersion: '0.0.0' };

/** `group kind source mirror` lines of mirror sets; groups that cannot be told apart from the log come as one. */
function pairs(resources: readonly unknown[], joined: boolean): string[] {
  return resources
    .flatMap((resource) => {
      const { metadata, spec } = resource as {
        metadata: { name: string };
        spec: Record<string, { source: string; mirrors: string[] }[]>;
      };
      const name = joined ? metadata.name.replace(/operator|generic/, 'any') : metadata.name;
      return Object.values(spec).flatMap((rules) =>
        rules.flatMap(({ source, mirrors }) => mirrors.map((mirror) => `${name} ${source} ${mirror}`)),
      );
    })
    .filter((line, index, all) => all.indexOf(line) === index)
    .sort();
}

function goldenPairs(folder: string, joined: boolean): string[] {
  return ['idms-oc-mirror.yaml', 'itms-oc-mirror.yaml'].flatMap((name) => {
    const file = path.join(folder, name);
    return existsSync(file) ? pairs(parseYamlStream(readFileSync(file, 'utf8')), joined) : [];
  });
}

function targetOf(folder: string): MirrorTarget {
  const command = readFileSync(path.join(folder, 'command'), 'utf8');
  const [, registry = '', prefix = ''] = /docker:\/\/([^/ ]+)\/?(\S*)/.exec(command) ?? [];
  const nested = Number(/--max-nested-paths[ =](\d+)/.exec(command)?.[1] ?? 0);
  return { registry, prefix, maxNestedPaths: nested };
}

describeShared('mirror sets of the golden runs', 'golden/cases', (cases) => {
  const steps = cases === '' ? [] : goldenSteps(cases).filter(({ folder }) => goldenRecords(folder).length > 0);

  test('are compared in more than forty runs', () => {
    expect(steps.length).toBeGreaterThan(40);
  });

  test.each(steps)('are the same pairs in $name', ({ folder, resources }) => {
    const records = goldenRecords(folder);
    const joined = records.some((record) => record.type === 'helmImage');
    const mappings = mirrorMappings(records, targetOf(folder));
    const made: Resource[] = [
      ...imageDigestMirrorSets(mappings, provenance),
      ...imageTagMirrorSets(mappings, provenance),
    ];
    // Ours leaves out folder paths of oci:// images, which no cluster accepts as a source.
    const golden = goldenPairs(resources, joined).filter((line) => !/ \/|acme-oci-app/.test(line));
    expect(pairs(made, joined)).toEqual(golden.sort());
  });
});
