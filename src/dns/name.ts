import { AirlockError } from '../core/errors.ts';

declare const domainName: unique symbol;

/**
 * An absolute domain name in presentation form: lower case, without the final dot, `\DDD` and `\.` escapes where a label holds odd bytes.
 * The root is the empty string. Made only by `parseDomainName` and the functions here.
 * @see RFC 1035 §5.1, RFC 4343
 */
export type DomainName = string & { readonly [domainName]: true };

const labelPattern = /^(?:\*|[a-z0-9_](?:[a-z0-9_/-]*[a-z0-9_])?)$/;

/**
 * Reads a name as people write it: any case, with or without the final dot. Letters, digits, `-`, `_`, `/` (RFC 2317) and a whole first
 * label `*`; a name of another script has to be given in its ASCII form (`xn--…`).
 * @throws AirlockError DNS_NAME_INVALID
 */
export function parseDomainName(text: string): DomainName {
  if (text === '.') return '' as DomainName;
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  const labels = name.split('.');
  const bad = labels.find(
    (label, index) => label.length > 63 || !labelPattern.test(label) || (label === '*' && index > 0),
  );
  if (bad !== undefined) {
    throw new AirlockError('DNS_NAME_INVALID', `"${text}" is not a domain name: label "${bad}"`, {
      hint: 'labels have 1 to 63 letters, digits and inner hyphens; other scripts are written in their xn-- form',
    });
  }
  // 255 bytes on the wire are 253 characters of text (RFC 1035 §2.3.4).
  if (name.length > 253) throw new AirlockError('DNS_NAME_INVALID', `"${text}" is longer than 253 characters`);
  return name as DomainName;
}

/** A host's full name: one without a dot gets `domain`. @throws AirlockError DNS_NAME_INVALID */
export function qualifyName(host: string, domain: string): DomainName {
  return parseDomainName(host.includes('.') ? host : `${host}.${domain}`);
}

/** The labels of a name, first to last, escapes kept; none for the root. */
export function nameLabels(name: DomainName): string[] {
  if (name === '') return [];
  return name.includes('\\') ? (name.match(/(?:\\\d{3}|\\.|[^.\\])+/g) ?? []) : name.split('.');
}

/** The name made of labels that are lower case and escaped already. */
export function joinLabels(labels: readonly string[]): DomainName {
  return labels.join('.') as DomainName;
}

/** Whether `name` is `ancestor` or lies below it. */
export function isWithin(name: DomainName, ancestor: DomainName): boolean {
  return name === ancestor || ancestor === '' || name.endsWith(`.${ancestor}`);
}

/** Whether the first label is `*`. */
export function isWildcard(name: DomainName): boolean {
  return name === '*' || name.startsWith('*.');
}

/** The name one label up; the root stays the root. */
export function parentName(name: DomainName): DomainName {
  return joinLabels(nameLabels(name).slice(1));
}

/** Order of RFC 4034 §6.1 (by the last label first), so that a zone file reads like a tree. */
export function compareNames(a: DomainName, b: DomainName): number {
  const [x, y] = [nameLabels(a).reverse(), nameLabels(b).reverse()];
  for (let i = 0; i < Math.min(x.length, y.length); i += 1) {
    const [p, q] = [x[i] ?? '', y[i] ?? ''];
    if (p !== q) return comparePadded(p, q);
  }
  return x.length - y.length;
}

// Reverse zones hold numbers: 2 before 10 is what a reader expects.
function comparePadded(p: string, q: string): number {
  if (/^\d+$/.test(p) && /^\d+$/.test(q) && p.length !== q.length) return p.length - q.length;
  return p < q ? -1 : 1;
}

/** The name with its final dot, as zone files want absolute names: without it they load as `name.zone.name`. */
export function absoluteText(name: DomainName): string {
  return `${name}.`;
}

/** The owner as a zone file writes it: `@`, relative to `origin`, or absolute when outside. */
export function relativeText(name: DomainName, origin: DomainName): string {
  if (name === origin) return '@';
  if (origin === '' || !isWithin(name, origin)) return absoluteText(name);
  return name.slice(0, -origin.length - 1);
}
