import { RE2JS } from 're2js';

/** A compiled pattern of `blockedImages`. */
export interface BlockedPattern {
  readonly pattern: string;
  /** Whether the pattern is found anywhere in `reference`; a transport (`docker://`) in front is taken away first. */
  matches(reference: string): boolean;
}

/**
 * Compiles a pattern of `blockedImages` (RE2, unanchored; oc-mirror-v2.md §8.2).
 * @throws Error with RE2's own reason when it does not compile
 */
export function compileBlockedPattern(pattern: string): BlockedPattern {
  const compiled = RE2JS.compile(pattern);
  return {
    pattern,
    matches: (reference) => compiled.matcher(reference.replace(/^[a-z0-9+.-]+:\/\//i, '')).find(),
  };
}
