import { expect, test } from 'vitest';
import { AirlockError } from '../../../src/core/errors.ts';
import { checkCatalog } from '../../../src/mirror/catalog/check.ts';
import { addDocument, type CatalogContent, packageOf } from '../../../src/mirror/catalog/content.ts';
import type { CatalogDocument } from '../../../src/mirror/catalog/documents.ts';
import { filterCatalog } from '../../../src/mirror/catalog/filter.ts';
import { documentRank, formatDocument, trimDocument } from '../../../src/mirror/catalog/format.ts';
import { seededRandom } from '../../helpers/random.ts';
import { type Dice, diceOf } from './random-catalog.ts';

const schemas = ['olm.package', 'olm.channel', 'olm.bundle', 'olm.deprecations', 'harbour.note', '', 7];
const keys = [
  'schema',
  'name',
  'package',
  'defaultChannel',
  'icon',
  'entries',
  'properties',
  'relatedImages',
  'image',
  '__proto__',
  'constructor',
];
const inner = [
  'name',
  'replaces',
  'skips',
  'skipRange',
  'type',
  'value',
  'image',
  'reference',
  'message',
  'version',
  'packageName',
  'schema',
  'base64data',
  'data',
  'ref',
];
const words = [
  'crane',
  'stable',
  'crane.v1',
  '1.0.0',
  '',
  'olm.package',
  'olm.csv.metadata',
  'olm.bundle.object',
  '../up',
  '\u2028',
];

const sound: readonly CatalogDocument[] = [
  { schema: 'olm.package', name: 'winch', defaultChannel: 'stable' },
  { schema: 'olm.channel', package: 'winch', name: 'stable', entries: [{ name: 'winch.v1' }] },
  {
    schema: 'olm.bundle',
    package: 'winch',
    name: 'winch.v1',
    properties: [{ type: 'olm.package', value: { packageName: 'winch', version: '1.0.0' } }],
  },
];

function junk(dice: Dice, depth = 0): unknown {
  const kind = dice.roll(depth > 3 ? 5 : 8);
  if (kind === 0) return null;
  if (kind === 1) return dice.roll(9) / 2;
  if (kind === 2) return dice.chance(0.5);
  if (kind < 5) return dice.pick(words);
  if (kind === 5) return Array.from({ length: dice.roll(4) }, () => junk(dice, depth + 1));
  return Object.fromEntries(Array.from({ length: dice.roll(5) }, () => [dice.pick(inner), junk(dice, depth + 1)]));
}

test('documents of any shape end in an error of the catalog or in a catalog, never in a bug', () => {
  const counts = { refused: 0, kept: 0 };
  for (let seed = 1; seed <= 1500; seed += 1) {
    const dice = diceOf(seededRandom(seed));
    const junked = Array.from({ length: 1 + dice.roll(4) }, (): CatalogDocument => {
      const fields = Array.from({ length: dice.roll(6) }, () => [dice.pick(keys), junk(dice)]);
      const named = dice.chance(0.5) ? { name: 'crane', package: 'crane', defaultChannel: 'stable' } : {};
      return { schema: dice.pick(schemas), ...named, ...Object.fromEntries(fields) };
    });
    const documents = dice.chance(0.7) ? [...sound, ...junked] : junked;
    try {
      const content: CatalogContent = new Map();
      for (const document of documents) addDocument(content, document);
      checkCatalog(content);
      const entry = {
        catalog: 'registry.example.com/harbour:1',
        full: dice.chance(0.5),
        skipDependencies: false,
        platforms: [],
      };
      const selection = filterCatalog(content, { ...entry, packages: undefined });
      for (const document of documents) {
        const kept = trimDocument(document, selection);
        if (!kept) continue;
        expect(JSON.parse(formatDocument(kept))).toBeTypeOf('object');
        expect(documentRank(kept)).toBeLessThan(5);
        packageOf(kept);
        counts.kept += 1;
      }
    } catch (error) {
      if (!(error instanceof AirlockError)) throw new Error(`seed ${seed}`, { cause: error });
      counts.refused += 1;
    }
  }
  expect(counts.kept).toBeGreaterThan(50);
  expect(counts.refused).toBeGreaterThan(200);
});
