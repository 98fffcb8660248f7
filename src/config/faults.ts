import type { Finding, Place } from '../core/findings.ts';
import { type ConfigNode, type ConfigPath, findNode, findPlace, formatPath, type Position } from './node.ts';

/** Codes of the findings of a configuration file. Stable: scripts may select by them. */
export type ConfigFindingCode =
  /** Not YAML, not UTF-8, a template, or too large to be a configuration. */
  | 'CONFIG_SYNTAX'
  /** A key is written twice in one mapping. */
  | 'CONFIG_DUPLICATE_KEY'
  /** `kind` or `apiVersion` is missing or another one. */
  | 'CONFIG_KIND'
  /** A key that the format does not have. */
  | 'CONFIG_UNKNOWN_FIELD'
  /** A value of another type, for instance a number where text belongs. */
  | 'CONFIG_TYPE'
  /** A key that has to be there is not. */
  | 'CONFIG_MISSING'
  /** A value of the right type that cannot be right. */
  | 'CONFIG_VALUE'
  /** The same thing is named twice. */
  | 'CONFIG_DUPLICATE'
  /** Two values that cannot both hold. */
  | 'CONFIG_CONFLICT'
  /** The file asks for nothing. */
  | 'CONFIG_EMPTY'
  /** Written for oc-mirror v1. */
  | 'CONFIG_V1'
  /** Read and then ignored. */
  | 'CONFIG_NO_EFFECT'
  /** A file that is named is not on this host, is a folder, or may not be read. */
  | 'CONFIG_FILE';

/** A value with what is to say about it; `value` is there only when no finding is an error. */
export interface Parsed<T> {
  readonly value: T | undefined;
  readonly findings: readonly Finding[];
}

/** Gathers every fault of one file, each with its place. */
export class Faults {
  readonly #file: string;
  readonly #findings: Finding[] = [];
  /** Paths of errors. */
  readonly #told = new Set<string>();
  /** Of the file, once it could be read as YAML; paths are looked up in it. */
  root: ConfigNode | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** A fault that makes the file unusable. `at` overrides the place that `path` leads to. */
  error(code: ConfigFindingCode, path: ConfigPath, message: string, hint?: string, at?: Position): void {
    this.#add('error', code, path, message, hint, at);
  }

  /** Something that loads but is likely not what was meant. */
  warning(code: ConfigFindingCode, path: ConfigPath, message: string, hint?: string, at?: Position): void {
    this.#add('warning', code, path, message, hint, at);
  }

  /** The 1-based line of the value at `path`, for messages that name a second place. */
  lineOf(path: ConfigPath): number {
    return this.#position(path).line;
  }

  /** Whether an error was told about the value at `path`; about it or anything below it, unless `exactly`. */
  touches(path: ConfigPath, exactly = false): boolean {
    const text = formatPath(path);
    if (exactly || this.#told.has(text)) return this.#told.has(text);
    return [...this.#told].some((one) => isAt(one, text));
  }

  /** Whether nothing at all is written at `path`: null, or a mapping without keys. */
  isEmptyAt(path: ConfigPath): boolean {
    const node = this.root && findNode(this.root, path);
    return !node || (node.kind === 'map' ? node.entries.length === 0 : node.kind === 'scalar' && node.value === null);
  }

  /** All findings in the order of the file. */
  list(): readonly Finding[] {
    const rank = (place: Place | undefined): number => (place ? place.line * 1e6 + place.column : 0);
    return [...this.#findings].sort((a, b) => rank(a.place) - rank(b.place));
  }

  /** An empty list for the same file. */
  fork(): Faults {
    const faults = new Faults(this.#file);
    faults.root = this.root;
    return faults;
  }

  /** Takes over what `other` says, unless it is about something that was told already, or names one of `except`. */
  adopt(other: Faults, except: readonly string[]): void {
    const told = this.#findings.map(({ place }) => place?.path ?? '');
    const isTold = (path: string): boolean => told.some((one) => isAt(path, one) || isAt(one, path));
    for (const finding of other.list()) {
      const isStandIn = except.some((text) => finding.message.includes(text));
      if (!isStandIn && !isTold(finding.place?.path ?? '')) this.#findings.push(finding);
    }
  }

  get failed(): boolean {
    return this.#told.size > 0;
  }

  #position(path: ConfigPath): Position {
    return (this.root && findPlace(this.root, path)) ?? { line: 1, column: 1 };
  }

  #add(
    severity: Finding['severity'],
    code: ConfigFindingCode,
    path: ConfigPath,
    message: string,
    hint: string | undefined,
    at: Position | undefined,
  ): void {
    const { line, column } = at ?? this.#position(path);
    if (severity === 'error') this.#told.add(formatPath(path));
    this.#findings.push({
      code,
      severity,
      subject: this.#file,
      message: oneLine(message),
      ...(hint === undefined ? {} : { hint: oneLine(hint) }),
      place: { file: this.#file, line, column, path: formatPath(path) },
    });
  }
}

/** Whether `path` is `top` or lies below it. */
function isAt(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}.`) || path.startsWith(`${top}[`);
}

/** A message quotes what stands in the file: on one line, of bearable length, without the password of a URL. */
function oneLine(message: string): string {
  const line = message.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').replace(/\/\/[^/@\s"]+@/g, '//***@');
  return line.length > 600 ? `${line.slice(0, 600)}…` : line;
}
