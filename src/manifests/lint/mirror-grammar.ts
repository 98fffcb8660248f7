import { type AddFault, type FieldPath, isPlaceholder, listAt, textAt, valueAt } from './faults.ts';

/** One rule of a mirror set under lint. */
export interface LintedRule {
  readonly source: string | undefined;
  readonly sourcePath: FieldPath;
  readonly mirrors: readonly { readonly value: string; readonly path: FieldPath }[];
}

/** The rules of a list of `{source, mirrors}` at `path`. */
export function readRules(value: unknown, path: FieldPath): LintedRule[] {
  return listAt(value, ...path).map((rule, index) => ({
    source: textAt(rule, 'source'),
    sourcePath: [...path, index, 'source'],
    mirrors: listAt(rule, 'mirrors').flatMap((mirror, at) =>
      typeof mirror === 'string' && !isPlaceholder(mirror)
        ? [{ value: mirror, path: [...path, index, 'mirrors', at] }]
        : [],
    ),
  }));
}

/** What is wrong with a source or mirror; undefined when it is `host[:port][/path]`, or `*.domain` for sources. */
export function findGrammarFault(text: string, role: 'source' | 'mirror'): string | undefined {
  if (text.includes('://')) return 'has a scheme';
  if (/^\[|:[0-9a-f]*:/i.test(text)) return 'is an IPv6 literal; a DNS name is needed';
  if (text.includes('@')) return 'has a digest';
  if (text.endsWith('/')) return 'ends with a slash';
  if (/\s/.test(text)) return 'has a blank';
  if (text.startsWith('*.')) {
    if (role === 'mirror') return 'is a wildcard';
    return text.includes('/') ? 'has a path behind a wildcard' : undefined;
  }
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const path = slash < 0 ? undefined : text.slice(slash + 1);
  const port = /:(\d+)$/.exec(host)?.[1];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return `has port ${port}`;
  if (host.includes('_')) return 'has an underscore in its host';
  if (!/^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?(:\d+)?$/.test(host) || host.includes('..'))
    return 'has no valid host name';
  if (path === undefined) return undefined;
  if (path.includes(':')) return 'has a tag';
  if (!/^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/.test(path))
    return 'has a path that is not lower-case components';
  return undefined;
}

/** Faults of one list of rules, whatever kind of object holds it. */
export function lintRules(value: unknown, path: FieldPath, add: AddFault): void {
  const rules = readRules(value, path);
  const seen = new Set<string>();
  for (const rule of rules) {
    if (rule.source !== undefined) {
      lintSource(rule.source, rule.sourcePath, add);
      if (seen.has(rule.source))
        add(
          'LINT_MIRROR_DOUBLED',
          rule.sourcePath,
          `${rule.source} stands here twice`,
          'put all mirrors of a source into one rule',
          'warning',
        );
      seen.add(rule.source);
    }
    lintMirrors(rule, value, add);
  }
  lintDirection(rules, add);
}

function lintSource(source: string, path: FieldPath, add: AddFault): void {
  const fault = findGrammarFault(source, 'source');
  if (fault)
    add(
      'LINT_MIRROR_GRAMMAR',
      path,
      `source ${source} ${fault}`,
      'write host[:port][/path], without scheme, tag and digest',
    );
  else if (/[A-Z]/.test(source.split('/')[0] ?? '') || /^[^/]+:443(\/|$)/.test(source))
    add(
      'LINT_MIRROR_NEVER_MATCHES',
      path,
      `source ${source} matches nothing: references are compared as written`,
      'write the host in lower case and leave out :443',
      'warning',
    );
}

function lintMirrors(rule: LintedRule, value: unknown, add: AddFault): void {
  const place = rule.sourcePath.slice(0, -1);
  const all = valueAt(value, ...place, 'mirrors');
  if (!Array.isArray(all) || all.length === 0)
    add(
      'LINT_MIRROR_EMPTY',
      place,
      'the rule has no mirrors',
      'name at least one mirror, or take the rule away',
      'warning',
    );
  const seen = new Set<string>();
  for (const { value: mirror, path } of rule.mirrors) {
    const fault = findGrammarFault(mirror, 'mirror');
    if (fault)
      add(
        'LINT_MIRROR_GRAMMAR',
        path,
        `mirror ${mirror} ${fault}`,
        'write host[:port][/path], without scheme, tag and digest',
      );
    if (seen.has(mirror)) add('LINT_MIRROR_DOUBLED', path, `${mirror} stands in the list twice`, 'take one away');
    seen.add(mirror);
  }
}

/** A rule whose source lies on the host that serves as mirror elsewhere is the wrong way round. */
function lintDirection(rules: readonly LintedRule[], add: AddFault): void {
  const host = (text: string): string => text.split('/')[0] ?? '';
  // How much more often a host serves as mirror than as source: the mirror of the site is above zero.
  const surplus = new Map<string, number>();
  const count = (name: string, by: number): Map<string, number> => surplus.set(name, (surplus.get(name) ?? 0) + by);
  for (const { source, mirrors } of rules) {
    for (const { value } of mirrors) count(host(value), 1);
    if (source !== undefined) count(host(source), -1);
  }
  const isMirror = (name: string): boolean => (surplus.get(name) ?? 0) > 0;
  for (const rule of rules) {
    const [mirror] = rule.mirrors;
    if (rule.source === undefined || !mirror || !isMirror(host(rule.source)) || isMirror(host(mirror.value))) continue;
    add(
      'LINT_MIRROR_REVERSED',
      rule.sourcePath,
      `${rule.source} is on the mirror, and ${mirror.value} is an original: the rule is the wrong way round`,
      'exchange source and mirror',
    );
  }
}
