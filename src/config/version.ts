/** Numbers and pre-release words of a version, for ordering. */
export interface Version {
  readonly numbers: readonly number[];
  readonly prerelease: readonly string[];
}

const identifiers = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const number = '(0|[1-9][0-9]*)';
const strictForm = new RegExp(`^${number}\\.${number}\\.${number}(?:-(${identifiers}))?(?:\\+${identifiers})?$`);
const lenientForm = new RegExp(
  `^v?([0-9]+)(?:\\.([0-9]+))?(?:\\.([0-9]+))?(?:-(${identifiers}))?(?:\\+${identifiers})?$`,
);

/** A strict semantic version (`4.19.10`), as release channels need; undefined for other text. */
export function findStrictVersion(text: string): Version | undefined {
  return toVersion(strictForm.exec(text));
}

/** A lenient one (`4.19`, `v1.2.3` pass too), as operator ranges take. */
export function findLenientVersion(text: string): Version | undefined {
  return toVersion(lenientForm.exec(text.trim()));
}

/** Negative when `a` comes before `b`, 0 when they are equal. @see semver.org 2.0.0, 11 */
export function compareVersions(a: Version, b: Version): number {
  for (let index = 0; index < 3; index += 1) {
    const order = (a.numbers[index] ?? 0) - (b.numbers[index] ?? 0);
    if (order !== 0) return order;
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) return b.prerelease.length - a.prerelease.length;
  for (let index = 0; index < Math.max(a.prerelease.length, b.prerelease.length); index += 1) {
    const [left, right] = [a.prerelease[index], b.prerelease[index]];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    if (left !== right) return compareIdentifiers(left, right);
  }
  return 0;
}

function compareIdentifiers(a: string, b: string): number {
  const [left, right] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (left && right) return Number(a) - Number(b);
  if (left !== right) return left ? -1 : 1;
  return a < b ? -1 : 1;
}

function toVersion(match: RegExpExecArray | null): Version | undefined {
  if (!match) return undefined;
  const numbers = [match[1], match[2], match[3]].map((part) => Number(part ?? 0));
  return { numbers, prerelease: match[4]?.split('.') ?? [] };
}
