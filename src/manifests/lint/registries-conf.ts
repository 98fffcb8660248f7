import { parse as parseToml } from 'smol-toml';
import { errorText } from '../../core/errors.ts';
import type { Finding } from '../../core/findings.ts';
import type { LintCode } from './codes.ts';
import { listAt, textAt, valueAt } from './faults.ts';
import { findGrammarFault } from './mirror-grammar.ts';

/** A finding whose code is one of the linter's. */
export type LintFinding = Finding & { readonly code: LintCode };

/** What a registries.conf is for. */
export interface LintConfOptions {
  /** The assisted service turns it into a mirror set and asks for more than the container tools do. */
  readonly assistedService?: boolean;
}

/**
 * Faults of a containers-registries.conf (version 2) that the tools meet at load or at pull. `file` '' leaves places out.
 * @see containers/image docs/containers-registries.conf.5.md
 */
export function lintRegistriesConf(file: string, text: string, options: LintConfOptions = {}): LintFinding[] {
  const findings: LintFinding[] = [];
  const add = (
    code: LintCode,
    needle: string,
    message: string,
    hint: string,
    severity: Finding['severity'] = 'error',
  ): void => {
    findings.push({
      code,
      severity,
      subject: file,
      message,
      hint,
      ...(file === '' ? {} : { place: placeOf(text, needle, file) }),
    });
  };
  let conf: unknown;
  try {
    conf = parseToml(text);
  } catch (error) {
    add(
      'LINT_TOML',
      '',
      `not TOML: ${errorText(error).split('\n')[0]}`,
      'correct it: one bad table makes the whole file unreadable',
    );
    return findings;
  }
  if (valueAt(conf, 'registries') !== undefined) {
    add('LINT_CONF_VERSION_1', '[registries', 'this is version 1 of the format', 'write [[registry]] tables');
    return findings;
  }
  if (options.assistedService && listAt(conf, 'unqualified-search-registries').length === 0)
    add(
      'LINT_CONF_SEARCH',
      '',
      'unqualified-search-registries is missing',
      'add unqualified-search-registries = ["registry.access.redhat.com", "docker.io"]',
    );
  if (text !== '' && !text.endsWith('\n'))
    add('LINT_CONF_NEWLINE', '', 'the last line has no newline', 'end the file with a newline', 'info');
  const tables = listAt(conf, 'registry');
  const seen = new Set<string>();
  const mirrorHosts = new Set(
    tables.flatMap((table) => listAt(table, 'mirror').map((mirror) => hostOf(textAt(mirror, 'location')))),
  );
  for (const table of tables) lintTable(table, seen, mirrorHosts, options, add);
  return findings;
}

/** Whether text has what only a registries.conf has, of whatever version. */
export function hasRegistryTables(text: string): boolean {
  return (
    /^\s*(\[\[registry\]\]|\[registries\.(search|insecure|block)\]|unqualified-search-registries\s*=)/m.test(
      text.slice(0, 65_536),
    ) && !/^kind\s*:/m.test(text.slice(0, 65_536))
  );
}

/** What the tables of a registries.conf are for: prefix, or location without one. [] for what cannot be read. */
export function confSources(text: string): string[] {
  try {
    return listAt(parseToml(text), 'registry').flatMap(
      (table) => (textAt(table, 'prefix') || textAt(table, 'location')) ?? [],
    );
  } catch {
    return [];
  }
}

type AddConf = (code: LintCode, needle: string, message: string, hint: string, severity?: Finding['severity']) => void;

function lintTable(
  table: unknown,
  seen: Set<string>,
  mirrorHosts: ReadonlySet<string>,
  options: LintConfOptions,
  add: AddConf,
): void {
  const prefix = textAt(table, 'prefix') || undefined;
  const location = textAt(table, 'location');
  const source = prefix ?? location;
  const mirrors = listAt(table, 'mirror');
  if (source === undefined) {
    if (valueAt(table, 'location') === undefined)
      add('LINT_TOML', '[[registry]]', 'a table has neither prefix nor location', 'name the source');
    return;
  }
  for (const name of [location, prefix]) {
    const fault = name === undefined ? undefined : findGrammarFault(name, 'source');
    if (fault) add('LINT_MIRROR_GRAMMAR', name ?? '', `${name} ${fault}`, 'write host[:port][/path]');
  }
  if (seen.has(source))
    add(
      'LINT_MIRROR_DOUBLED',
      source,
      `a second table for ${source} is not read`,
      'put its mirrors into the first one',
    );
  seen.add(source);
  if (options.assistedService && !source.includes('/') && mirrors.length > 0)
    add(
      'LINT_CONF_SCOPE',
      source,
      `${source} is a whole registry`,
      'name repositories or namespaces: the service makes a mirror set of it, which fails otherwise',
    );
  if (
    mirrorHosts.has(hostOf(source)) &&
    mirrors.some((mirror) => hostOf(textAt(mirror, 'location')) !== hostOf(source)) &&
    mirrors.length > 0
  )
    add(
      'LINT_MIRROR_REVERSED',
      source,
      `${source} lies on a mirror: the table is the wrong way round`,
      'exchange location and mirror',
    );
  const byDigest = valueAt(table, 'mirror-by-digest-only') === true;
  for (const mirror of mirrors) {
    const place = textAt(mirror, 'location');
    const fault = place === undefined ? undefined : findGrammarFault(place, 'mirror');
    if (fault) add('LINT_MIRROR_GRAMMAR', place ?? '', `mirror ${place} ${fault}`, 'write host[:port][/path]');
    const pull = valueAt(mirror, 'pull-from-mirror');
    if (pull !== undefined && byDigest)
      add(
        'LINT_CONF_BOTH_FORMS',
        place ?? '',
        'mirror-by-digest-only and pull-from-mirror stand in one table',
        'keep one of the two: the whole file is refused',
      );
    if (pull !== undefined && !['all', 'digest-only', 'tag-only'].includes(String(pull)))
      add('LINT_TOML', String(pull), `pull-from-mirror is "${pull}"`, 'use all, digest-only or tag-only');
  }
}

function hostOf(name: string | undefined): string {
  return name?.split('/')[0] ?? '';
}

function placeOf(text: string, needle: string, file: string): NonNullable<Finding['place']> {
  const at = Math.max(text.indexOf(needle), 0);
  const before = text.slice(0, at).split('\n');
  return { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1, path: '' };
}
