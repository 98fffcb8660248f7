import { worstFirst } from '../core/findings.ts';
import { escapeHtml } from '../core/html.ts';
import { formatBytes } from '../core/units.ts';
import { factsOf, imageName, type Receipt } from './receipt.ts';

/** Height of one bar with its words above it, in pixels of the page. */
const barHeight = 44;

// Light and dark by the reader's own setting; a table becomes a list of cards where the page is narrow; on paper nothing is cut.
const style = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--card:#f6f8fa;--good:#116329;--goodbg:#dafbe1;--bad:#a40e26;--badbg:#ffebe9;--bar:#2f6fbb}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b3;--line:#3d444d;--card:#161b22;--good:#7ee2a0;--goodbg:#12361f;--bad:#ffaba8;--badbg:#4a1a1c;--bar:#5b9bea}body{background:#0d1117}}
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);max-width:72rem;margin:0 auto;padding:2rem 1.25rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem}h2{font-size:1.15rem;margin:2.25rem 0 .75rem}
.verdict{display:inline-block;margin:0 0 1rem;padding:.3rem .8rem;border-radius:1rem;font-weight:600}.whole{color:var(--good);background:var(--goodbg)}.broken{color:var(--bad);background:var(--badbg)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.25rem;margin:0;padding:1rem 1.25rem;border:1px solid var(--line);border-radius:.5rem;background:var(--card)}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}th{color:var(--soft);font-weight:600}td,th{border-bottom:1px solid var(--line);padding:.4rem .75rem .4rem 0;text-align:left;vertical-align:top}td{overflow-wrap:anywhere}
.short{white-space:nowrap;overflow-wrap:normal}.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}code{font:.85em ui-monospace,monospace;color:var(--soft)}.soft{color:var(--soft);font-size:.9em}
svg{display:block;width:100%}svg text{font:14px system-ui,sans-serif;fill:currentColor}svg .track{fill:var(--line);opacity:.5}svg .bar{fill:var(--bar)}
@media (max-width:45rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.6rem}thead{display:none}table,tbody,tr,td{display:block;width:100%}tr{padding:.6rem 0;border-bottom:1px solid var(--line)}td{border:0;padding:.1rem 0;text-align:left}td[data-name]::before{content:attr(data-name) ": ";color:var(--soft)}}
@media print{body{max-width:none;padding:0}tr,svg{break-inside:avoid}}
`.trim();

/** A cell of a table: text, and how it is set. */
interface Cell {
  readonly text: string;
  /** Below the text, smaller. */
  readonly below?: string;
  readonly form?: 'code' | 'short' | 'number';
}

/** A receipt as one HTML page that needs nothing else: no script, no font, no picture from anywhere. */
export function renderReceiptHtml(receipt: Receipt): string {
  const { contents, report, space } = receipt;
  const title = `Receipt: bundle generation ${contents.generation}`;
  const facts = factsOf(receipt).map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`);
  const verdict = report.whole ? 'Whole' : 'Not whole';
  const findings = worstFirst(report.findings).map(({ severity, subject, message, code }): Cell[] => [
    { text: severity, form: 'short' },
    { text: message, below: subject },
    { text: code, form: 'short' },
  ]);
  const releases = contents.releases.map((one): Cell[] => [
    { text: `${one.version} ${one.architecture}` },
    { text: one.digest, form: 'code' },
    { text: one.signature, form: 'short' },
  ]);
  const images = contents.images.map((image): Cell[] => [
    { text: imageName(image), below: image.targets.join(', ') },
    { text: image.digest, form: 'code' },
    { text: image.signature, form: 'short' },
  ]);
  const files = contents.files.map(({ path, sizeBytes, sha256 }): Cell[] => [
    { text: path },
    { text: formatBytes(sizeBytes), form: 'number' },
    { text: sha256, form: 'code' },
  ]);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(title)}</title>
<style>
${style}
</style></head><body>
<h1>${escapeHtml(title)}</h1>
<p class="verdict ${report.whole ? 'whole' : 'broken'}">${verdict}</p>
<dl>${facts.join('')}</dl>
<h2>Findings</h2>
${findings.length === 0 ? '<p>None.</p>' : renderTable(['Severity', 'Finding', 'Code'], findings)}
<h2>What takes the space</h2>
${renderBars(space)}
${releases.length === 0 ? '' : `<h2>Releases</h2>\n${renderTable(['Release', 'Digest', 'OpenPGP signature'], releases)}`}
<h2>Images</h2>
${renderTable(['Image', 'Digest', 'cosign signature'], images)}
<h2>Files</h2>
${renderTable(['File', 'Size', 'SHA-256'], files)}
</body></html>
`;
}

function renderTable(names: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const head = names.map(
    (name, at) => `<th scope="col"${attribute('class', rows[0]?.[at]?.form)}>${escapeHtml(name)}</th>`,
  );
  const body = rows.map(
    (cells) => `<tr>${cells.map((cell, at) => renderCell(cell, at === 0 ? undefined : names[at])).join('')}</tr>`,
  );
  return `<table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table>`;
}

function renderCell({ text, below, form }: Cell, name: string | undefined): string {
  const shown = form === 'code' ? `<code>${escapeHtml(text)}</code>` : escapeHtml(text);
  const more = below ? `<br><span class="soft">${escapeHtml(below)}</span>` : '';
  return `<td${attribute('class', form === 'code' ? undefined : form)}${attribute('data-name', name)}>${shown}${more}</td>`;
}

function attribute(name: string, value: string | undefined): string {
  return value === undefined ? '' : ` ${name}="${escapeHtml(value)}"`;
}

/** Bars, longest first, drawn as SVG that is as wide as the page. */
function renderBars(space: Receipt['space']): string {
  const all = Math.max(
    1,
    space.reduce((sum, one) => sum + one.bytes, 0),
  );
  const largest = Math.max(1, ...space.map((one) => one.bytes));
  const bars = space.map(({ name, bytes }, at) => {
    const y = at * barHeight;
    const share = (100 * bytes) / all;
    const size = `${formatBytes(bytes)}, ${share < 0.05 ? 'below 0.1' : share.toFixed(1)} %`;
    const words = `<text x="0" y="${y + 16}">${escapeHtml(name)}</text><text x="100%" y="${y + 16}" text-anchor="end">${size}</text>`;
    const width = Math.max(0.3, (100 * bytes) / largest).toFixed(1);
    const rect = (kind: string, wide: string): string =>
      `<rect class="${kind}" x="0" y="${y + 23}" width="${wide}%" height="10" rx="3"/>`;
    return `${words}${rect('track', '100')}${rect('bar', width)}`;
  });
  return `<svg role="img" aria-label="Bytes by kind of content" height="${space.length * barHeight}">${bars.join('')}</svg>`;
}
