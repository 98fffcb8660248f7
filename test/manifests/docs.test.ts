import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { emitCodes, lintCodes, type VersionRule, versionRules } from '../../src/manifests/index.ts';

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/objects.md'), 'utf8');

test('docs/objects.md names every finding of lint and emit with its sentence', () => {
  for (const [code, sentence] of Object.entries({ ...lintCodes, ...emitCodes }))
    expect(page).toContain(`| \`${code}\` | ${sentence} |`);
});

test('docs/objects.md names every version rule with its origin', () => {
  for (const [name, rule] of Object.entries<VersionRule>(versionRules)) {
    expect(page).toContain(
      `| \`${name}\` | ${rule.of} | ${rule.from ? `from ${rule.from}` : `before ${rule.before}`} |`,
    );
    expect(page).toContain(rule.origin);
  }
});
