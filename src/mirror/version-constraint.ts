import { compareVersions, findLenientVersion, type Version } from '../config/index.ts';

/** Whether a version fits. */
export type VersionTest = (version: Version) => boolean;

interface Comparison {
  readonly operator: string;
  readonly limit: Version;
  /** How many of its numbers were given: 0 for `*`, 1 for `1` and `1.x`, 2 for `1.2`. */
  readonly given: number;
}

const part = '[0-9]+|[xX*]';
const identifiers = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const version = `v?(?:${part})(?:\\.(?:${part}))?(?:\\.(?:${part}))?(?:-${identifiers})?(?:\\+${identifiers})?`;
const operators = '=>|>=|=<|<=|!=|~>|=|>|<|~|\\^';
const comparisonForm = new RegExp(`(${operators}|)\\s*(${version})`, 'g');
const groupForm = new RegExp(
  `^\\s*(?:${operators}|)\\s*${version}\\s*(?:(?:\\s|,\\s*)(?:${operators}|)\\s*${version}\\s*)*$`,
);
const hyphenForm = new RegExp(`(${version})\\s+-\\s+(${version})`, 'g');

// constraint := group { "||" group }     group := comparison { ( space | "," ) comparison } | version " - " version
// comparison := [ "=" | "!=" | ">" | "<" | ">=" | "<=" | "~" | "^" … ] version       version may stop early or hold x, X, *
/**
 * Reads a version constraint as Masterminds' semver does, which helm and oc-mirror use; undefined for other text. npm's ranges look alike and
 * differ: here a pre-release fits a group when any version in the group is one, and `<=4.16` holds 4.16.9.
 * @see github.com/Masterminds/semver v3.4, README "Checking Version Constraints"
 */
export function findVersionConstraint(text: string): VersionTest | undefined {
  const groups: Comparison[][] = [];
  for (const group of text.replace(hyphenForm, '>=$1 <=$2').split('||')) {
    if (!groupForm.test(group)) return undefined;
    groups.push([...group.matchAll(comparisonForm)].map((match) => toComparison(match[1] ?? '', match[2] ?? '')));
  }
  return (candidate) => groups.some((group) => fitsGroup(candidate, group));
}

function toComparison(operator: string, text: string): Comparison {
  const [numbers = '', rest = ''] = split(text.replace(/^v/, ''), /[-+]/);
  const parts = numbers.split('.');
  const open = parts.findIndex((one) => /^[xX*]$/.test(one));
  const given = open < 0 ? parts.length : open;
  const limit = findLenientVersion(`${[0, 1, 2].map((at) => (at < given ? parts[at] : 0)).join('.')}${rest}`);
  return { operator, limit: limit ?? { numbers: [0, 0, 0], prerelease: [] }, given };
}

/** Text before the first match, and the rest with it. */
function split(text: string, at: RegExp): [string, string] {
  const place = text.search(at);
  return place < 0 ? [text, ''] : [text.slice(0, place), text.slice(place)];
}

function fitsGroup(candidate: Version, group: readonly Comparison[]): boolean {
  const isPrerelease = candidate.prerelease.length > 0;
  if (isPrerelease && !group.some(({ limit }) => limit.prerelease.length > 0)) return false;
  return group.every((comparison) => fits(candidate, comparison));
}

function fits(candidate: Version, { operator, limit, given }: Comparison): boolean {
  const order = compareVersions(candidate, limit);
  switch (operator) {
    case '>=':
    case '=>':
      return order >= 0;
    case '<':
      return order < 0;
    case '>':
      return given === 0 || given === 3 ? order > 0 : order > 0 && !isSame(candidate, limit, given);
    case '<=':
    case '=<':
      return given === 3 ? order <= 0 : order <= 0 || isSame(candidate, limit, given);
    case '!=':
      return given === 3 ? order !== 0 : !isSame(candidate, limit, given);
    case '~':
    case '~>':
      return order >= 0 && (isOpen(limit, given) || isSame(candidate, limit, Math.min(given, 2)));
    case '^':
      return order >= 0 && (given === 0 || isSame(candidate, limit, firstNonZero(limit, given)));
    default:
      return given === 3 ? order === 0 : order >= 0 && isSame(candidate, limit, given);
  }
}

/** `~*` and, by a special case of the library, `~0.0.0` have no upper end. */
function isOpen({ numbers }: Version, given: number): boolean {
  return given === 0 || (given === 3 && numbers.every((number) => number === 0));
}

/** Whether the first `count` numbers are the same. */
function isSame(a: Version, b: Version, count: number): boolean {
  return a.numbers.slice(0, count).every((number, at) => number === b.numbers[at]);
}

/** How many numbers `^` holds fast: up to the first that is not 0, and no more than were given. */
function firstNonZero({ numbers }: Version, given: number): number {
  const at = numbers.findIndex((number) => number !== 0);
  return Math.min(at < 0 ? 3 : at + 1, given);
}
