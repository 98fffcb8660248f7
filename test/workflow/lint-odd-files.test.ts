import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { lintFiles } from '../../src/workflow/lint.ts';
import { seededRandom } from '../helpers/random.ts';
import { describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const head = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: soup}\n';
const many = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('\n');

/** Texts that break careless readers. */
const odd: Readonly<Record<string, string>> = {
  'nothing at all': '',
  'zero bytes': '\0\0\0',
  'plain text': 'soup of the day',
  'a list': '- a\n- b\n',
  'aliases that multiply': `a: &a [1]\n${many(
    12,
    (at) =>
      `b${at}: &b${at} [${Array(10)
        .fill(at > 0 ? `*b${at - 1}` : '*a')
        .join(',')}]`,
  )}\n${head}`,
  'an alias of itself': '&soup\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: soup}\ndata: *soup\n',
  'metadata of itself':
    'apiVersion: config.openshift.io/v1\nkind: Image\nmetadata: &m {name: cluster, annotations: *m}\n',
  'lists 20,000 deep': `${head}data: ${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  'mappings 5,000 deep': `${head}data: ${'{a: '.repeat(5000)}1${'}'.repeat(5000)}`,
  'names of JavaScript':
    'apiVersion: toString\nkind: constructor\nmetadata: []\n---\napiVersion: v1\nkind: __proto__\n',
  'kinds that are numbers': 'apiVersion: 1\nkind: 2\n',
  'a List of nothing': 'apiVersion: v1\nkind: List\nitems: {}\n',
  'a List of all sorts':
    '{"apiVersion":"v1","kind":"List","items":[null,1,{"kind":"X"},{"apiVersion":"v1","kind":"ConfigMap","metadata":null,"data":{"a":null}}]}',
  'a spec that is text': 'apiVersion: hypershift.openshift.io/v1beta1\nkind: HostedCluster\nmetadata: 5\nspec: text\n',
  'a spec of the wrong types':
    'apiVersion: hypershift.openshift.io/v1beta1\nkind: HostedCluster\nmetadata: {name: 5, namespace: []}\nspec: {services: [null, 1, {service: 1, servicePublishingStrategy: []}], networking: {clusterNetwork: {cidr: 1}}, imageContentSources: [null, {source: 1, mirrors: 2}], capabilities: 1}\n',
  '20,000 keys': `${head}data:\n${many(20_000, (at) => `  k${at}: "soup"`)}\n`,
  '5,000 rules': `apiVersion: config.openshift.io/v1\nkind: ImageDigestMirrorSet\nmetadata: {name: a}\nspec:\n  imageDigestMirrors:\n${many(5000, (at) => `  - {source: quay.io/a${at}, mirrors: [m/a${at}]}`)}\n`,
  'words that slow patterns down': `apiVersion: config.openshift.io/v1\nkind: Image\nmetadata: {name: cluster}\nspec: {registrySources: {allowedRegistries: ["a/${'a'.repeat(5000)}!", "${'a-'.repeat(3000)}!"]}}\n---\napiVersion: config.openshift.io/v1\nkind: ImageDigestMirrorSet\nmetadata: {name: a}\nspec: {imageDigestMirrors: [{source: "q/${'a_'.repeat(2000)}!", mirrors: ["m/${'a'.repeat(4000)}!"]}]}\n`,
};

const insertions = [
  '\t',
  '\r\n',
  '&a ',
  '*a',
  '!!binary ',
  '---\n',
  '...\n',
  '{',
  '[',
  '"',
  "'",
  '|',
  '>-',
  ': ',
  '- ',
  '\0',
  '\ufeff',
  '<<: *a',
  '? ',
  '%YAML 1.1\n',
  '!!js/function ',
  'null',
  '1e999',
  '__proto__: 1\n',
  '$&{A}',
  '{{ x }}',
  '\u2028',
];

async function lint(text: string, name: string): Promise<void> {
  const file = path.join(await temporaryFolder(), name);
  await writeFile(file, text);
  for (const finding of await lintFiles([file], quietRun())) expect(finding.message).toBeTypeOf('string');
}

describe('airlock lint on odd files', () => {
  test.each(Object.entries(odd))(
    'ends with findings or none for %s',
    async (_, text) => {
      for (const name of ['a.yaml', 'b.json', 'registries.conf']) await lint(text, name);
    },
    60_000,
  );

  test('tells a key that stands twice, with its place', async () => {
    const file = path.join(await temporaryFolder(), 'a.yaml');
    await writeFile(file, `${head}data:\n  salt: a\n  salt: b\n`);
    expect(await lintFiles([file], quietRun())).toMatchObject([
      { code: 'LINT_SYNTAX', message: 'the key "salt" stands here twice', place: { line: 6, column: 3 } },
    ]);
  });
});

describeShared('airlock lint on damaged files', 'data/hcp', (folder) => {
  test('ends with findings or none, whatever was done to a published file', async () => {
    const seed = Date.now() % 1_000_000;
    console.info(`seed ${seed}`);
    const next = seededRandom(seed);
    const random = (below: number): number => Math.floor(next() * below);
    const names = ['hcp', 'assisted', 'outputs', 'isc'].flatMap((top) =>
      readdirSync(path.join(folder, '..', top), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(ya?ml|json|conf)$/.test(name))
        .map((name) => path.join(folder, '..', top, name)),
    );
    for (const name of names) {
      const original = readFileSync(name, 'utf8');
      // Large ones are read in another test.
      if (original.length > 100_000) continue;
      const ext = name.endsWith('.conf') ? 'registries.conf' : `a${path.extname(name)}`;
      await lint(damage(original, random), ext);
    }
  }, 300_000);
});

/** One to four cuts, copies, insertions or other line ends. */
function damage(text: string, random: (below: number) => number): string {
  let damaged = text;
  for (let left = 1 + random(4); left > 0; left -= 1) {
    const at = random(damaged.length + 1);
    const rest = damaged.slice(at);
    const from = random(damaged.length + 1);
    const ways = [
      () => insertions[random(insertions.length)] + rest,
      () => rest.slice(1 + random(30)),
      () => damaged.slice(from, from + random(200)) + rest,
      () => rest.replaceAll('\n', '\r\n'),
    ];
    damaged = damaged.slice(0, at) + (ways[random(ways.length)]?.() ?? rest);
  }
  return damaged;
}
