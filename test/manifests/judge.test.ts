import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseYamlStream, renderYaml } from '../../src/core/yaml.ts';
import { emitSite, lintManifest, type Resource, siteStages, validateStages } from '../../src/manifests/index.ts';
import { type Judge, missingForJudge, startJudge } from '../helpers/crd-judge.ts';
import { sharedPath } from '../helpers/real.ts';
import { emitInputFor, fixtureSite, releaseRecord } from './site-builder.ts';
import { readyMadeSites, siteVariants } from './site-variants.ts';
import { spoil, spoiledObjects } from './wrong-objects.ts';

const title = 'emitted objects before the API server’s own validation, CEL rules included';
// Also where real parts are required: Debian's own Go is too old for it.
const missing = missingForJudge();
const suite = missing ? describe.skip : describe;

const golden = (['ipv4', 'ipv6', 'dual'] as const).map((name) => ({
  name: `golden ${name}`,
  input: emitInputFor(fixtureSite(name), [
    releaseRecord('4.19.10', 'amd64'),
    releaseRecord('4.16.9', 'amd64'),
    releaseRecord('4.18.20', 'arm64'),
  ]),
}));
const sites = [...golden, ...siteVariants(), ...readyMadeSites()];

const known = new Set(
  readdirSync(sharedPath('crds') ?? import.meta.dirname).flatMap((name) => {
    const crd = name.endsWith('.yaml') ? readFileSync(path.join(sharedPath('crds') ?? '', name), 'utf8') : '';
    return /^ {4}kind: (\w+)$/m.exec(crd)?.[1] ?? [];
  }),
);

function objectsOf(input: (typeof sites)[number]['input']): Resource[] {
  return emitSite(input)
    .filter(({ path: file }) => /^\d+-.*\.yaml$/.test(file))
    .flatMap(({ content }) => parseYamlStream(content) as Resource[])
    .filter(({ kind, apiVersion }) => known.has(kind) && apiVersion.includes('.'));
}

suite(missing ? `${title} (skipped: ${missing})` : title, () => {
  let judge: Judge | undefined;
  beforeAll(() => {
    try {
      judge = startJudge();
    } catch (error) {
      // Go is there, but not its modules: they are downloaded once.
      if (process.env['AIRLOCK_REQUIRE_REAL'] === '1') throw error;
    }
  }, 900_000);
  afterAll(() => judge?.stop());

  test.for(sites)('takes every object of $name, new and once more', async ({ input }, { skip }) => {
    if (!judge) return skip('the judge cannot be built: its Go modules are not there');
    const faults: string[] = [];
    for (const object of objectsOf(input))
      for (const old of [undefined, object])
        for (const fault of await judge.ask(object, old))
          faults.push(`${object.kind} ${object.metadata.name}: ${fault}`);
    expect(faults).toEqual([]);
  });

  test.each(sites)('is not needed for $name: our own rules find nothing either', ({ input }) => {
    const errors = validateStages(siteStages(input), input.content).filter(({ severity }) => severity === 'error');
    expect(errors.map(({ message }) => message)).toEqual([]);
  });

  test.for(spoiledObjects)(
    'refuses $kind with $what, as our linter does before',
    async ({ kind, change }, { skip }) => {
      if (!judge) return skip('the judge cannot be built: its Go modules are not there');
      const object = sites.flatMap(({ input }) => objectsOf(input)).find((one) => one.kind === kind);
      if (!object) throw new Error(`no ${kind} is emitted`);
      const wrong = spoil(object, change);
      const refused = await judge.ask(wrong);
      const found = lintManifest('wrong.yaml', renderYaml(wrong)).filter(({ severity }) => severity === 'error');
      expect({ judge: refused.length > 0, linter: found.length > 0 }).toEqual({ judge: true, linter: true });
    },
  );
});
