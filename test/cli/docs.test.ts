import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandTable } from '../../src/cli/commands/table.ts';
import { errorCodes } from '../../src/cli/error-codes.ts';
import { renderCliDocs } from '../../src/cli/render/cli-docs.ts';
import { renderErrorDocs } from '../../src/cli/render/error-docs.ts';
import { coreErrors } from '../../src/core/errors.ts';
import { toolVersion } from '../../src/core/version.ts';
import { errorTables } from '../../src/workflow/index.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

describe('documents made from code', () => {
  test('docs/cli.md is what the command table gives (npm run docs)', () => {
    expect(read('docs/cli.md')).toBe(`${renderCliDocs(commandTable)}\n`);
  });

  test('docs/errors.md is what the error tables give (npm run docs)', () => {
    expect(read('docs/errors.md')).toBe(renderErrorDocs(errorCodes));
  });

  test('the version of the tool is that of package.json', () => {
    expect(JSON.parse(read('package.json'))).toMatchObject({ version: toolVersion });
  });

  test('every document that the README links to is there', () => {
    const links = [...read('README.md').matchAll(/\]\(([^)#]+)\)/g)]
      .map((match) => match[1] ?? '')
      .filter((link) => !link.includes('://'));
    expect(links.length).toBeGreaterThan(5);
    for (const link of links) expect(() => readFileSync(path.join(root, link)), link).not.toThrow(/ENOENT/);
  });
});

describe('error codes', () => {
  test('are unique over all folders', () => {
    const codes = [coreErrors, ...errorTables].flatMap((table) => Object.keys(table));
    expect(codes.filter((code, at) => codes.indexOf(code) !== at)).toEqual([]);
  });

  test('are all that the sources throw', () => {
    const unknown = throwsIn(path.join(root, 'src')).filter((code) => !(code in errorCodes));
    expect(unknown).toEqual([]);
  });
});

function throwsIn(folder: string): string[] {
  const { readdirSync } = process.getBuiltinModule('node:fs');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith('.ts'),
  );
  const codes = files.flatMap((entry) =>
    [
      ...readFileSync(path.join(entry.parentPath, entry.name), 'utf8').matchAll(/new AirlockError\(\s*'([A-Z_0-9]+)'/g),
    ].map((match) => match[1] ?? ''),
  );
  return [...new Set(codes)].sort();
}
