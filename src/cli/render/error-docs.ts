import type { ErrorTable } from '../../core/errors.ts';

/** docs/errors.md: every code with its exit code and meaning. */
export function renderErrorDocs(codes: ErrorTable): string {
  const exits = { no: 1, usage: 2, environment: 3, incomplete: 5, cancelled: 130 } as const;
  const rows = Object.entries(codes).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    '# Error codes',
    '',
    '<!-- Made from the errors.ts of every folder by `npm run docs`; a test holds them together. -->',
    '',
    'With `-o json` a failed command prints `{"error": {"code": …, "message": …, "hint": …}}` on standard output.',
    '',
    '| Code | Exit | Meaning |',
    '|---|---|---|',
    ...rows.map(([code, { exit, summary }]) => `| \`${code}\` | ${exits[exit]} | ${summary.replaceAll('|', '\\|')} |`),
    '',
  ].join('\n');
}
