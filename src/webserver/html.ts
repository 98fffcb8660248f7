import { createHash } from 'node:crypto';
import { escapeHtml } from '../core/html.ts';
import { style } from './style.ts';

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

/** The Content-Security-Policy of our pages: this one style sheet and nothing else. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
