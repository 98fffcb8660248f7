import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'vitest';

const required = process.env['AIRLOCK_REQUIRE_REAL'] === '1';

/** The path of a program on PATH (with /usr/sbin and /sbin, where Debian keeps servers), undefined when not installed. */
export function findProgram(name: string): string | undefined {
  for (const folder of [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin']) {
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * A suite that talks to real programs. Where one is missing it is skipped with a title that says what to install, or fails when
 * AIRLOCK_REQUIRE_REAL=1.
 */
export function describeReal(title: string, programs: readonly string[], body: () => void): void {
  const missing = programs.filter((name) => findProgram(name) === undefined);
  if (missing.length > 0 && required)
    throw new Error(`${title}: AIRLOCK_REQUIRE_REAL=1, but ${missing.join(', ')} is not installed`);
  if (missing.length === 0) describe(title, body);
  else describe.skip(`${title} (skipped: install ${missing.join(', ')})`, body);
}

/** As `describeReal`, for suites that also need root (network namespaces, mounts, port 53). */
export function describeRoot(title: string, programs: readonly string[], body: () => void): void {
  if (process.getuid?.() === 0) describeReal(title, programs, body);
  else if (required) throw new Error(`${title}: AIRLOCK_REQUIRE_REAL=1, but the tests do not run as root`);
  else describe.skip(`${title} (skipped: needs root)`, body);
}

/** A path in the folder of shared reference data beside the checkout, undefined in a clone that has none. */
export function sharedPath(relative: string): string | undefined {
  const file = path.resolve(import.meta.dirname, '../../../shared', relative);
  return existsSync(file) ? file : undefined;
}

/** A suite over shared reference data; skipped with a word where there is none. */
export function describeShared(title: string, relative: string, body: (folder: string) => void): void {
  const folder = sharedPath(relative);
  if (folder) describe(title, () => body(folder));
  // The body is not run: many read the folder to name their tests.
  else
    describe.skip(`${title} (skipped: no shared reference data beside this checkout)`, () =>
      test('reads it', () => {}));
}

/** A suite that needs what `reason` says is missing: skipped with that word, or failed when AIRLOCK_REQUIRE_REAL=1. */
export function describeUnless(reason: string | undefined, title: string, body: () => void): void {
  if (reason === undefined) describe(title, body);
  else if (required) throw new Error(`${title}: AIRLOCK_REQUIRE_REAL=1, but: ${reason}`);
  else describe.skip(`${title} (skipped: ${reason})`, body);
}
