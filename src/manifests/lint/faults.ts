import type { Finding } from '../../core/findings.ts';
import type { LintCode } from './codes.ts';

/** A place in an object: field names and list positions. */
export type FieldPath = readonly (string | number)[];

/** Takes one fault; `severity` is `error` unless told otherwise. */
export type AddFault = (
  code: LintCode,
  path: FieldPath,
  message: string,
  hint: string,
  severity?: Finding['severity'],
) => void;

/** One document under lint, with careful access to what may not be there. */
export interface LintedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly value: Readonly<Record<string, unknown>>;
}

/** The value at a path; undefined where anything on the way is missing. */
export function valueAt(value: unknown, ...path: FieldPath): unknown {
  return path.reduce<unknown>(
    (at, step) => (typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[step] : undefined),
    value,
  );
}

/** The text at a path; undefined for everything else, and for what is left to fill in (`${X}`, `<host>`, `{{x}}`, REDACTED). */
export function textAt(value: unknown, ...path: FieldPath): string | undefined {
  const found = valueAt(value, ...path);
  return typeof found === 'string' && !isPlaceholder(found) ? found : undefined;
}

/** The list at a path; [] where there is none. */
export function listAt(value: unknown, ...path: FieldPath): readonly unknown[] {
  const found = valueAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The object at a path; {} where there is none. */
export function recordAt(value: unknown, ...path: FieldPath): Readonly<Record<string, unknown>> {
  const found = valueAt(value, ...path);
  return typeof found === 'object' && found !== null && !Array.isArray(found)
    ? (found as Readonly<Record<string, unknown>>)
    : {};
}

/** Whether text is left for somebody to fill in. */
export function isPlaceholder(text: string): boolean {
  return /\$\{|\{\{|<[^<>]+>|REDACTED/.test(text);
}
