/**
 * What a check, a linter or a verification has to say: data, not an error. `code` is stable and in the owning folder's documentation;
 * `message` says what is wrong with the subject; `hint` the next step.
 */
export interface Finding {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  /** What it is about: a file, a reference, an endpoint. */
  readonly subject: string;
  readonly message: string;
  readonly hint?: string;
  /** Place in a text file, 1-based. */
  readonly place?: Place;
}

/** A place in a text file: 1-based line and column, and the path of the value (`spec.registry.port`). */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
}

/** Whether any finding is an error. */
export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === 'error');
}

const order: Readonly<Record<Finding['severity'], number>> = { error: 0, warning: 1, info: 2 };

/** Errors before warnings before notes; within each as they came. */
export function worstFirst<T extends Finding>(findings: readonly T[]): T[] {
  return [...findings].sort((a, b) => order[a.severity] - order[b.severity]);
}
