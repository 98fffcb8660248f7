import { stripControls } from '../../core/errors.ts';
import { type Finding, worstFirst } from '../../core/findings.ts';
import { plural } from './table.ts';

/** One line a finding (two with a hint), errors first, then a count. */
export function renderFindings(findings: readonly Finding[]): string {
  return [...worstFirst(findings).flatMap(renderFinding), countFindings(findings)].join('\n');
}

/** `file:line:column: severity CODE: path: message` for places in files, else with the subject in front. */
function renderFinding(finding: Finding): string[] {
  const { place } = finding;
  const where = place ? `${place.file}:${place.line}:${place.column}` : finding.subject;
  const path = place?.path ? `${place.path}: ` : '';
  const line = stripControls(`${where}: ${finding.severity} ${finding.code}: ${path}${finding.message}`);
  return finding.hint ? [line, `  ${stripControls(finding.hint)}`] : [line];
}

export function countFindings(findings: readonly Finding[]): string {
  const count = (severity: Finding['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length;
  if (findings.length === 0) return 'no findings';
  return `${plural(count('error'), 'error')}, ${plural(count('warning'), 'warning')}, ${plural(count('info'), 'note')}`;
}
