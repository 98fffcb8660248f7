import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandTable } from '../../src/cli/commands/table.ts';
import { globalOptions } from '../../src/cli/options.ts';
import { parseCommandLine } from '../../src/cli/program.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Pages written by hand: all but docs/cli.md, which comes from the table. */
const pages = ['README.md', 'ARCHITECTURE.md', ...pagesBelow('docs'), ...pagesBelow('bundles')].filter(
  (page) => page !== 'docs/cli.md',
);

/** Flags of other programs that our pages name. */
const foreignFlags = new Set(
  '--cpu --from --insecure-ignore-tlog --node --server-side --signature --state --test --v2 --verify'.split(' '),
);

describe.each(pages)('%s', (page) => {
  const text = readFileSync(path.join(root, page), 'utf8');

  test('shows command lines that the tool takes', async () => {
    for (const words of commandLines(text)) {
      const parsed = await parseCommandLine(words, commandTable, '1.2.3');
      expect(parsed, `airlock ${words.join(' ')}`).toMatchObject({ kind: 'run' });
    }
  });

  test('names flags that there are', () => {
    const ours = [...globalOptions, ...commandTable.flatMap((spec) => spec.options)];
    const known = new Set([...ours.flatMap(({ flags }) => flagsIn(flags)), ...benchFlags(), ...foreignFlags]);
    expect(flagsIn(withoutFlagsOfOcMirror(text)).filter((flag) => !known.has(flag))).toEqual([]);
  });

  test('names files and pages that there are', () => {
    const files = [...text.matchAll(/`((?:src|test|bench|scripts|docs|schema)\/[\w./-]+)`/g)].map(
      ([, name = '']) => name,
    );
    expect(files.filter((name) => !existsSync(path.join(root, name)))).toEqual([]);
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, name = '']) => name);
    const near = links.filter((link) => !link.includes('://'));
    expect(near.filter((link) => !existsSync(path.resolve(root, path.dirname(page), link)))).toEqual([]);
  });
});

function pagesBelow(folder: string): string[] {
  const names = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => path.join(folder, name));
}

/**
 * The words of each line of a code block that runs the tool, in `$ airlock …`, `npx airlock …` and behind `&&`. Lines that show a grammar
 * (`[DIR]`, `a | b`, `…`) are none to be run.
 */
function commandLines(text: string): string[][] {
  const blocks = [...text.matchAll(/^```(?:sh)?\n(.*?)^```/gms)].map(([, block = '']) => block);
  const commands = blocks
    .flatMap((block) => block.split('\n'))
    .map((line) => line.replace(/\s#.*$/, ''))
    .flatMap((line) => line.split('&&'))
    .map((line) => line.trim());
  return commands
    .filter((line) => /^(?:npx |\.\/airlock\/bin\/)?airlock /.test(line) && !/[[|…]/.test(line))
    .map((line) =>
      line
        .split(/\s+/)
        .filter((word) => word !== 'npx')
        .slice(1),
    );
}

/** Without the first column of a table that sets flags of oc-mirror against ours. */
function withoutFlagsOfOcMirror(text: string): string {
  const [before = '', table] = text.split('| oc-mirror | Airlock |\n');
  return table === undefined ? text : before + table.replace(/^\|[^|]*\|/gm, '|');
}

function flagsIn(text: string): string[] {
  return [...new Set([...text.matchAll(/(?<![\w-])--[a-z][a-z0-9-]+/g)].map(([flag]) => flag))];
}

function benchFlags(): string[] {
  const programs = readdirSync(path.join(root, 'bench')).filter((name) => name.endsWith('.mjs'));
  return programs.flatMap((name) => {
    const [head = ''] = readFileSync(path.join(root, 'bench', name), 'utf8').split(/^(?!\/\/)/m);
    return flagsIn(head);
  });
}
