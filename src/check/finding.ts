import type { Finding } from '../core/findings.ts';
import type { CheckCode } from './codes.ts';

/** A finding of a check; `severity` is `error` unless told otherwise. */
export function finding(
  code: CheckCode,
  subject: string,
  message: string,
  hint: string,
  severity: Finding['severity'] = 'error',
): Finding {
  return { code, severity, subject, message, hint };
}
