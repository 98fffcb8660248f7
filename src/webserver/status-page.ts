import { formatBytes } from '../core/units.ts';
import { html, type Markup, renderPage } from './html.ts';
import { encodePath } from './request-path.ts';
import type {
  StatusBundle,
  StatusCheck,
  StatusDisk,
  StatusFile,
  StatusModel,
  StatusOperator,
  StatusRelease,
  StatusService,
  StatusSnippet,
} from './status-model.ts';
import { fill, type SectionName, sectionTitles, state, summary, timeLeft } from './status-summary.ts';

/** The status page: one page of plain HTML that needs no script and loads nothing. */
export function renderStatusPage(model: StatusModel): string {
  return renderPage(
    model.title,
    html`<h1>${model.title}</h1><p class="soft">as of ${time(model.at)}</p>${summary(model)}
${section('services', services(model.services))}
${section('check', model.check && check(model.check))}
${section('bundle', model.bundle && bundle(model.bundle))}
${section('releases', releases(model.releases))}
${section('operators', operators(model.operators))}
${section('files', files(model.files))}
${section('certificates', certificates(model))}
${section('disks', disks(model.disks))}
${section('use', snippets(model.snippets))}`,
  );
}

function section(name: SectionName, body: Markup | undefined): Markup | undefined {
  return body && html`<section id="${name}"><h2>${sectionTitles[name]}</h2>${body}</section>`;
}

interface Column {
  readonly label: string;
  readonly number?: boolean;
}

function table(
  columns: readonly (Column | string)[],
  rows: readonly (readonly (Markup | string | undefined)[])[],
): Markup | undefined {
  if (rows.length === 0) return undefined;
  const heads = columns.map((column) => (typeof column === 'string' ? { label: column } : column));
  const kind = (index: number): string => (heads[index]?.number ? 'number' : '');
  return html`<div class="scroll"><table class="stack"><thead><tr>${heads.map((head, index) => html`<th class="${kind(index)}">${head.label}</th>`)}</tr></thead>
<tbody>${rows.map(
    (
      cells,
    ) => html`<tr>${cells.map((cell, index) => html`<td class="${kind(index)}" data-label="${heads[index]?.label}">${cell}</td>`)}</tr>
`,
  )}</tbody></table></div>`;
}

function services(list: readonly StatusService[] = []): Markup | undefined {
  return table(
    ['Service', 'Address', 'State', 'Since'],
    list.map((one) => [
      one.name,
      html`<code>${one.address}</code>`,
      state(one.level, one.state),
      one.since && time(one.since),
    ]),
  );
}

function bundle(one: StatusBundle): Markup {
  return html`<p>Generation <strong>${one.generation}</strong>, made ${time(one.createdAt)}${one.loadedAt && html`, loaded here ${time(one.loadedAt)}`}${
    one.sizeBytes === undefined ? undefined : `, ${formatBytes(one.sizeBytes)}`
  }.${one.signedBy && html` Signed by ${one.signedBy}.`}</p>`;
}

function releases(list: readonly StatusRelease[] = []): Markup | undefined {
  return table(
    ['Version', 'Architectures', 'Release image'],
    list.map((one) => [one.version, one.architectures.join(', '), one.image && html`<code>${one.image}</code>`]),
  );
}

function operators(list: readonly StatusOperator[] = []): Markup | undefined {
  return table(
    ['Operator', 'Catalog', 'Channels'],
    list.map((one) => [one.name, one.catalog, one.channels.join(', ')]),
  );
}

function files(list: readonly StatusFile[] = []): Markup | undefined {
  return table(
    ['File', { label: 'Size', number: true }, 'State', 'SHA-256'],
    list.map((one) => [
      html`<a href="${encodePath(one.path)}">${one.path}</a>`,
      formatBytes(one.sizeBytes),
      state(one.level, one.state),
      html`<code>${one.sha256}</code>`,
    ]),
  );
}

function certificates(model: StatusModel): Markup | undefined {
  const rows = (model.certificates ?? []).map((one) => [
    one.name,
    time(one.notAfter),
    state(one.level, timeLeft(one.notAfter, model.at)),
  ]);
  const download = model.caPath && html`<p><a href="${model.caPath}" download>Download the CA certificate</a></p>`;
  const print =
    model.caFingerprintSha256 &&
    html`<p class="soft">SHA-256 fingerprint: <code>${colons(model.caFingerprintSha256)}</code></p>`;
  const list = table(['Certificate', 'Runs out', 'State'], rows);
  return list || download ? html`${list}${download || undefined}${print || undefined}` : undefined;
}

function disks(list: readonly StatusDisk[] = []): Markup | undefined {
  return table(
    ['Of', 'Path', 'Used', 'Fill'],
    list.map((one) => [
      one.name,
      html`<code>${one.path}</code>`,
      state(one.level, fill(one.usedBytes, one.totalBytes)),
      meter(one.usedBytes, one.totalBytes),
    ]),
  );
}

// Browsers colour what lies above `high` otherwise than what lies below it.
function meter(usedBytes: number, totalBytes: number): Markup {
  const total = Math.max(1, totalBytes);
  return html`<meter min="0" max="${total}" high="${total * 0.85}" optimum="0" value="${usedBytes}">${formatBytes(usedBytes)}</meter>`;
}

function check(one: StatusCheck): Markup {
  const rows = one.findings.map((finding) => [
    state(finding.level, finding.code),
    html`<code>${finding.subject}</code>`,
    html`${finding.message}${finding.hint && html`<br><span class="soft">${finding.hint}</span>`}`,
  ]);
  const list = table(['Finding', 'Subject', 'What and what next'], rows);
  return html`<p>${time(one.at)}: ${list ? `${rows.length} ${rows.length === 1 ? 'finding' : 'findings'}` : state('good', 'nothing found')}</p>${list}`;
}

function snippets(list: readonly StatusSnippet[] = []): Markup | undefined {
  return list.length === 0
    ? undefined
    : html`${list.map((one) => html`<h3>${one.title}</h3><pre tabindex="0">${one.text}</pre>`)}`;
}

function time(date: Date): Markup {
  const text = date.toISOString();
  return html`<time datetime="${text}">${text.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

function colons(fingerprint: string): string {
  return fingerprint.match(/../g)?.join(':').toUpperCase() ?? fingerprint;
}
