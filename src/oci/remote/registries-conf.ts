import { parse as parseToml } from 'smol-toml';
import { AirlockError, errorText } from '../../core/errors.ts';

/** When a mirror is asked: for every pull, only by digest, only by tag. */
export type PullFromMirror = 'all' | 'digest-only' | 'tag-only';

/** One `[[registry.mirror]]`. */
export interface RegistryMirror {
  /** `host[:port][/path]` that takes the place of the prefix. */
  readonly location: string;
  readonly insecure: boolean;
  readonly pullFromMirror: PullFromMirror;
}

/** One `[[registry]]`. @see containers-registries.conf(5), version 2 */
export interface RegistryRule {
  /** `host[:port][/path]` or `*.domain[/path]`. */
  readonly prefix: string;
  /** '' keeps the host as it is (wildcard prefixes only). */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly RegistryMirror[];
}

/** What registries.conf and its drop-ins say. */
export interface RegistriesConf {
  readonly rules: readonly RegistryRule[];
  /** The files it was read from, in order. */
  readonly files: readonly string[];
}

/** No rules at all. */
export const emptyRegistriesConf: RegistriesConf = { rules: [], files: [] };

/**
 * Reads one registries.conf. Version 1 files are refused; unknown keys are let pass, as the containers tools do.
 * @throws AirlockError REGISTRIES_CONF_INVALID
 */
export function parseRegistriesConf(text: string, file = 'registries.conf'): RegistriesConf {
  const fail = (why: string): never => {
    throw new AirlockError('REGISTRIES_CONF_INVALID', `${file}: ${why}`);
  };
  let root: Record<string, unknown>;
  try {
    root = parseToml(text);
  } catch (error) {
    return fail(errorText(error).split('\n')[0] ?? 'no TOML');
  }
  if (isTable(root['registries'])) fail('version 1 format ([registries.search] …); write [[registry]] tables');
  const tables = root['registry'] ?? [];
  if (!Array.isArray(tables)) return fail('"registry" is not a list of tables: write [[registry]]');
  return { rules: tables.map((table: unknown) => toRule(table, fail)), files: [file] };
}

/** Later files win: a `[[registry]]` with the same prefix takes the place of the whole earlier one. */
export function mergeRegistriesConf(parts: readonly RegistriesConf[]): RegistriesConf {
  const rules = new Map<string, RegistryRule>();
  for (const part of parts) for (const rule of part.rules) rules.set(rule.prefix, rule);
  return { rules: [...rules.values()], files: parts.flatMap((part) => part.files) };
}

function toRule(table: unknown, fail: (why: string) => never): RegistryRule {
  if (!isTable(table)) return fail('a [[registry]] is not a table');
  const location = toLocation(table['location'], fail);
  const prefix = toLocation(table['prefix'], fail) || location;
  if (prefix === '') fail('a [[registry]] has neither prefix nor location');
  if (location === '' && !prefix.startsWith('*.')) fail(`[[registry]] "${prefix}" has no location`);
  if (location.includes('*') || prefix.slice(1).includes('*'))
    fail(`"${location || prefix}": "*." may only begin a prefix`);
  const digestOnly = table['mirror-by-digest-only'] === true;
  const mirrors = table['mirror'] ?? [];
  if (!Array.isArray(mirrors))
    return fail(`mirrors of "${prefix}" are not a list of tables: write [[registry.mirror]]`);
  return {
    prefix,
    location,
    insecure: table['insecure'] === true,
    blocked: table['blocked'] === true,
    mirrors: mirrors.map((mirror: unknown) => toMirror(mirror, prefix, digestOnly, fail)),
  };
}

function toMirror(table: unknown, prefix: string, digestOnly: boolean, fail: (why: string) => never): RegistryMirror {
  const location = isTable(table) ? toLocation(table['location'], fail) : '';
  if (!isTable(table) || location === '') return fail(`a mirror of "${prefix}" has no location`);
  const pull = table['pull-from-mirror'];
  if (pull !== undefined && pull !== 'all' && pull !== 'digest-only' && pull !== 'tag-only')
    return fail(`pull-from-mirror of "${location}" is "${String(pull)}": write all, digest-only or tag-only`);
  if (pull !== undefined && digestOnly)
    fail(`"${prefix}" has mirror-by-digest-only and "${location}" pull-from-mirror: one of them has to go`);
  return {
    location,
    insecure: table['insecure'] === true,
    pullFromMirror: pull ?? (digestOnly ? 'digest-only' : 'all'),
  };
}

function toLocation(value: unknown, fail: (why: string) => never): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') return fail('a prefix or location is not text');
  const trimmed = value.replace(/\/+$/, '');
  if (/^https?:\/\//.test(trimmed)) fail(`"${value}": write a location without http:// or https://`);
  return trimmed;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
