import { formatBytes } from '../core/units.ts';
import { html, type Markup, renderPage } from './html.ts';
import { encodePath } from './request-path.ts';
import type { WebEntry } from './site.ts';
import type { FileVerdict } from './verified-files.ts';

/** A folder as a page that is read in a browser: names, sizes, checksums, and which files are damaged. */
export function renderFolderPage(
  title: string,
  folder: string,
  entries: readonly WebEntry[],
  verdictOf: (entry: WebEntry) => FileVerdict,
): string {
  const up = folder === '/' ? undefined : html`<tr><td><a href="../">../</a></td><td></td><td></td></tr>`;
  return renderPage(
    `${folder} · ${title}`,
    html`<p class="soft"><a href="/">${title}</a></p><h1>${folder}</h1>
<section class="scroll"><table class="stack"><thead><tr><th>Name</th><th class="number">Size</th><th>SHA-256</th></tr></thead><tbody>
${up}${entries.map((entry) => row(entry, verdictOf(entry)))}</tbody></table></section>`,
  );
}

function row(entry: WebEntry, verdict: FileVerdict): Markup {
  const bad = verdict.kind === 'bad' ? html` <span class="state bad">not served: ${verdict.reason}</span>` : undefined;
  return html`<tr><td><a href="./${encodePath(entry.name)}">${entry.name}</a>${bad}</td>
<td class="number" title="${entry.sizeBytes} bytes">${formatBytes(entry.sizeBytes)}</td><td>${entry.file ? html`<code>${entry.file.sha256}</code>` : undefined}</td></tr>
`;
}
