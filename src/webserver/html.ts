import { createHash } from 'node:crypto';

/** Markup that is safe to put into a page as it is. Made only by `html` and `raw`. */
export interface Markup {
  readonly markup: string;
}

type Insert = Markup | string | number | undefined | readonly (Markup | string | number | undefined)[];

/** A template tag: every value is escaped unless it is `Markup`; lists are joined, undefined is nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Insert[]): Markup {
  let markup = strings[0] ?? '';
  for (const [index, value] of values.entries()) markup += renderInsert(value) + (strings[index + 1] ?? '');
  return { markup };
}

/** Text for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** A whole page: no script, nothing from elsewhere, light and dark by the reader's setting. */
export function renderPage(title: string, body: Markup): string {
  return `<!doctype html>\n${
    html`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>${title}</title>
<style>${{ markup: style }}</style></head>
<body><main>${body}</main></body></html>`.markup
  }\n`;
}

function renderInsert(value: Insert): string {
  if (value === undefined) return '';
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return 'markup' in value ? value.markup : value.map(renderInsert).join('');
}

const style = `
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#1b1f24;--soft:#57606a;--line:#d8dee4;--link:#0550ae;--good:#116329;--warn:#7d4e00;--bad:#a40e26;--code:#eef1f4}
@media (prefers-color-scheme:dark){:root{--page:#0d1117;--card:#161b22;--text:#e6edf3;--soft:#9da7b3;--line:#30363d;--link:#79b8ff;--good:#56d364;--warn:#e3b341;--bad:#ff7b72;--code:#0b0f14}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:64rem;margin:0 auto;padding:1.25rem 1rem 3rem}
h1{font-size:1.6rem;line-height:1.2;margin:.25rem 0}
h2{font-size:1.1rem;margin:0 0 .6rem}
p{margin:.25rem 0 .6rem}
a{color:var(--link)}
section{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:1rem 0}
.soft{color:var(--soft)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
th{color:var(--soft);font-weight:600;font-size:.85rem}
td.number,th.number{text-align:right;white-space:nowrap}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.85rem}
td code{overflow-wrap:anywhere}
pre{background:var(--code);border:1px solid var(--line);border-radius:.4rem;padding:.75rem;margin:.4rem 0 .9rem;overflow-x:auto;user-select:all;-webkit-user-select:all}
.state{font-weight:600;white-space:nowrap}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
meter{width:8rem;max-width:100%}
@media (max-width:40rem){main{padding:.75rem .6rem 2rem}section{padding:.75rem}
table.stack thead{display:none}table.stack tr{display:block;border-bottom:1px solid var(--line);padding:.4rem 0}table.stack tr:last-child{border-bottom:0}
table.stack td{display:block;border:0;padding:.1rem 0;text-align:left}
table.stack td[data-label]::before{content:attr(data-label) ": ";color:var(--soft)}}
`;

/** The Content-Security-Policy of our pages: this one style sheet and nothing else. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
