import { describe, expect, test } from 'vitest';
import type { OperatorCatalog } from '../../../src/config/index.ts';
import { AirlockError } from '../../../src/core/errors.ts';
import { checkCatalog } from '../../../src/mirror/catalog/check.ts';
import { addDocument, type CatalogContent } from '../../../src/mirror/catalog/content.ts';
import { type CatalogDocument, createDocumentParser } from '../../../src/mirror/catalog/documents.ts';
import { type CatalogSelection, filterCatalog } from '../../../src/mirror/catalog/filter.ts';
import { formatDocument, trimDocument } from '../../../src/mirror/catalog/format.ts';
import { seededRandom } from '../../helpers/random.ts';
import { type Asked, expectSelection, hasNoCycle, isSoundChannel } from './oracle.ts';
import { type Dice, diceOf, documentsOf, type RandomPackage, randomPackage } from './random-catalog.ts';

const catalogs = 400;
const configurationsEach = 6;

function parse(text: string): CatalogDocument[] {
  const documents: CatalogDocument[] = [];
  const parser = createDocumentParser('catalog.json', (document) => documents.push(document));
  parser.write(Buffer.from(text));
  parser.end();
  return documents;
}

function contentOf(documents: readonly CatalogDocument[]): CatalogContent {
  const content: CatalogContent = new Map();
  for (const document of documents) addDocument(content, document);
  return content;
}

function randomAsked(packages: readonly RandomPackage[], dice: Dice): Asked[] {
  if (dice.chance(0.15)) return [];
  const end = (one: RandomPackage): string => {
    const version = dice.pick(one.bundles).version.replace(/\+.*/, '');
    return dice.chance(0.3)
      ? version
          .split(/[.-]/)
          .slice(0, 1 + dice.roll(2))
          .join('.')
      : version;
  };
  const range = (one: RandomPackage) => {
    if (dice.chance(0.2)) {
      const version = end(one);
      return { minVersion: version, maxVersion: version };
    }
    return {
      ...(dice.chance(0.6) ? { minVersion: end(one) } : {}),
      ...(dice.chance(0.6) ? { maxVersion: end(one) } : {}),
    };
  };
  return dice.shuffle(packages.slice(0, 1 + dice.roll(packages.length))).map((one) => {
    const listed = dice.chance(0.5) ? dice.shuffle(one.channels).slice(0, 1 + dice.roll(one.channels.length)) : [];
    const channels = listed.map(({ name }) => ({ name, ...(dice.chance(0.5) ? range(one) : {}) }));
    const isPlain = channels.every((channel) => !channel.minVersion && !channel.maxVersion);
    return {
      name: one.name,
      channels: dice.chance(0.1) ? [...channels, { name: 'unheard-of' }] : channels,
      ...(dice.chance(0.4) ? { defaultChannel: dice.pick(one.channels).name } : {}),
      ...(isPlain && dice.chance(0.5) ? range(one) : {}),
    };
  });
}

function select(content: CatalogContent, asked: readonly Asked[], full: boolean): CatalogSelection | 'refused' {
  const entry: OperatorCatalog = {
    catalog: 'registry.example.com/harbour/index:v1',
    full,
    skipDependencies: false,
    platforms: [],
    packages: asked.map((one) => ({ ...one, channels: one.channels.map((channel) => ({ ...channel })) })),
  };
  try {
    return filterCatalog(content, entry);
  } catch (error) {
    if (error instanceof AirlockError) return 'refused';
    throw error;
  }
}

/** Package → channel → sorted entries, and the default channel under `''`. */
function shape(content: CatalogContent): Record<string, Record<string, string[] | string>> {
  return Object.fromEntries(
    [...content].sort().map(([name, one]) => [
      name,
      {
        '': one.defaultChannel ?? '-',
        ...Object.fromEntries(
          [...one.channels].sort().map(([channel, entries]) => [channel, entries.map((entry) => entry.name).sort()]),
        ),
      },
    ]),
  );
}

describe('a catalog filtered at random', () => {
  const counts = { compared: 0, widened: 0, refused: 0 };

  test(`${catalogs} catalogs, ${configurationsEach} configurations each: opm would take it, and it holds what the rules say`, () => {
    for (let seed = 1; seed <= catalogs; seed += 1) {
      const dice = diceOf(seededRandom(seed));
      const isSound = (entries: Parameters<typeof isSoundChannel>[0]) => isSoundChannel(entries) && hasNoCycle(entries);
      const packages = ['crane', 'winch', 'buoy']
        .slice(0, 1 + dice.roll(3))
        .map((name) => randomPackage(name, dice, isSound));
      const documents = parse(
        documentsOf(packages, dice)
          .map((one) => JSON.stringify(one))
          .join('\n'),
      );
      const content = contentOf(documents);
      expect(checkCatalog(content), `seed ${seed}`).toEqual([]);
      for (let turn = 0; turn < configurationsEach; turn += 1) {
        const [asked, full] = [randomAsked(packages, dice), dice.chance(0.2)];
        const where = `seed ${seed}, ${full ? 'full ' : ''}${JSON.stringify(asked)}`;
        const expected = expectSelection(packages, asked, full);
        const selection = select(content, asked, full);
        if (expected === 'refused' || selection === 'refused') {
          expect(selection === 'refused', where).toBe(expected === 'refused');
          counts.refused += 1;
          continue;
        }
        const kept = documents.map((one) => trimDocument(one, selection)).filter((one) => one !== undefined);
        const written = contentOf(parse(kept.map(formatDocument).join('')));
        expect(checkCatalog(written), where).toEqual([]);
        for (const one of written.values())
          for (const entries of one.channels.values())
            expect(isSoundChannel(entries.map(plainEntry)), where).toBe(true);
        const wanted = Object.fromEntries(
          [...expected].sort().map(([name, one]) => [
            name,
            {
              '': one.defaultChannel,
              ...Object.fromEntries(
                [...one.channels].sort().map(([channel, names]) => [channel, widen(channel, name, names)]),
              ),
            },
          ]),
        );
        function widen(channel: string, owner: string, names: ReadonlySet<string>): string[] {
          const all =
            packages.find((one) => one.name === owner)?.channels.find((one) => one.name === channel)?.entries ?? [];
          if (isSoundChannel(all.filter((entry) => names.has(entry.name)))) return [...names].sort();
          // opm would refuse what oc-mirror keeps: ours has more, and says so.
          counts.widened += 1;
          const ours = (written.get(owner)?.channels.get(channel) ?? []).map((entry) => entry.name).sort();
          expect(
            [...names].filter((name) => !ours.includes(name)),
            where,
          ).toEqual([]);
          expect(
            selection !== 'refused' && selection.notes.some((note) => note.code === 'CATALOG_RANGE_WIDENED'),
            where,
          ).toBe(true);
          return ours;
        }
        expect(shape(written), where).toEqual(wanted);
        counts.compared += 1;
        for (const [name, one] of written) {
          const used = [...one.channels.values()].flat().map((entry) => entry.name);
          expect([...one.bundles.keys()].sort(), where).toEqual([...new Set(used)].sort());
          const source = packages.find((other) => other.name === name)?.deprecations ?? [];
          const stays = source.filter(
            ({ schema, name: target = '' }) =>
              schema === 'olm.package' || (schema === 'olm.channel' ? one.channels : one.bundles).has(target),
          );
          expect(one.deprecations.length, where).toBe(stays.length);
        }
        const notes = kept.filter((one) => one['schema'] === 'harbour.note');
        const owners = packages.filter((one) => asked.length === 0 || asked.some((ask) => ask.name === one.name));
        expect(notes.length, where).toBe(owners.length + 1);
      }
    }
    // The dice have to throw every kind of case, or this shows nothing.
    expect(counts.compared).toBeGreaterThan(1000);
    expect(counts.refused).toBeGreaterThan(100);
    expect(counts.widened).toBeGreaterThan(0);
  });
});

function plainEntry(entry: { readonly name: string; readonly replaces: string; readonly skips: readonly string[] }) {
  return { name: entry.name, skips: entry.skips, ...(entry.replaces ? { replaces: entry.replaces } : {}) };
}
