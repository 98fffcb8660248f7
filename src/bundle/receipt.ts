import { formatBytes } from '../core/units.ts';
import type { Bundle } from './bundle.ts';
import { type BundleContents, describeBundle } from './inspect.ts';
import type { SignatureStatus } from './sign.ts';
import type { VerifyReport } from './verify.ts';

/** What `verify --report` writes: who looked at which bundle, when, and what was found. */
export interface Receipt {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'Receipt';
  readonly verifiedAt: string;
  /** Who ran it, as the caller names them. */
  readonly verifiedBy: string;
  readonly report: VerifyReport;
  readonly contents: BundleContents;
  /** Bytes by kind of content, largest first. */
  readonly space: readonly { readonly name: string; readonly bytes: number }[];
}

/** Puts a receipt together. */
export function createReceipt(
  bundle: Bundle,
  report: VerifyReport,
  by: { readonly verifiedBy: string; readonly verifiedAt: Date },
): Receipt {
  return {
    apiVersion: 'airlock/v1alpha1',
    kind: 'Receipt',
    verifiedAt: by.verifiedAt.toISOString(),
    verifiedBy: by.verifiedBy,
    report,
    contents: describeBundle(bundle),
    space: measureSpace(bundle),
  };
}

/** A receipt as a Markdown page. */
export function renderReceiptMarkdown(receipt: Receipt): string {
  const { contents, report } = receipt;
  const cell = (text: string): string => text.replace(/[\\|`<>]/g, '\\$&').replace(/\s+/g, ' ');
  const lines = [
    `# Receipt: bundle generation ${contents.generation}`,
    '',
    ...factsOf(receipt).map(([name, value]) => `- **${name}**: ${cell(value)}`),
    '',
    '## Findings',
    '',
    ...(report.findings.length === 0
      ? ['None.']
      : report.findings.map(
          (one) => `- ${one.severity}: ${cell(one.subject)}: ${cell(one.message)} (\`${one.code}\`)`,
        )),
    '',
    '## Space',
    '',
    '| Content | Bytes | |',
    '| --- | ---: | ---: |',
    ...receipt.space.map(({ name, bytes }) => `| ${cell(name)} | ${bytes} | ${formatBytes(bytes)} |`),
    '',
    '## Images',
    '',
    '| Image | Digest | Signature |',
    '| --- | --- | --- |',
    ...contents.images.map((image) => `| ${cell(image.origin)} | ${image.digest} | ${image.signature} |`),
    '',
    '## Files',
    '',
    '| File | Bytes | sha256 |',
    '| --- | ---: | --- |',
    ...contents.files.map((file) => `| ${cell(file.path)} | ${file.sizeBytes} | ${file.sha256} |`),
    '',
  ];
  return lines.join('\n');
}

/** A receipt as one HTML page that needs nothing else: no script, no font, no picture from anywhere. */
export function renderReceiptHtml(receipt: Receipt): string {
  const { contents, report } = receipt;
  const row = (cells: readonly string[]): string =>
    `<tr>${cells.map((text) => `<td>${escapeHtml(text)}</td>`).join('')}</tr>`;
  const title = `Receipt: bundle generation ${contents.generation}`;
  const findings = report.findings.map((one) => row([one.severity, one.subject, one.message, one.code])).join('');
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>
<style>
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #8884;padding:.25rem .5rem;text-align:left;overflow-wrap:anywhere}
.whole{color:#187a3c}.broken{color:#b3261e}svg text{font:12px system-ui,sans-serif;fill:currentColor}
</style>
<h1>${escapeHtml(title)}</h1>
<p class="${report.whole ? 'whole' : 'broken'}"><strong>${report.whole ? 'Whole' : 'Not whole'}</strong></p>
<table>${factsOf(receipt).map(row).join('')}</table>
<h2>Findings</h2>${findings === '' ? '<p>None.</p>' : `<table>${findings}</table>`}
<h2>What takes the space</h2>
${renderBars(receipt.space)}
<h2>Images</h2>
<table><tr><th>Image<th>Digest<th>Signature</tr>${contents.images.map((one) => row([one.origin, one.digest, one.signature])).join('')}</table>
<h2>Files</h2>
<table><tr><th>File<th>Bytes<th>sha256</tr>${contents.files.map((one) => row([one.path, String(one.sizeBytes), one.sha256])).join('')}</table>
</html>
`;
}

function factsOf({ contents, report, verifiedAt, verifiedBy }: Receipt): [string, string][] {
  const { totals } = contents;
  return [
    ['Index', contents.indexDigest],
    ['Made', contents.createdAt],
    [
      'Builds on',
      contents.parent ? `generation ${contents.parent.generation} (${contents.parent.indexDigest})` : 'nothing',
    ],
    ['Verified', `${verifiedAt} by ${verifiedBy}`],
    ['Result', report.whole ? `whole: ${report.checkedBytes} bytes checked` : 'not whole'],
    ['Signature', describeSignature(report.signature)],
    [
      'Holds',
      `${totals.images} images, ${totals.blobs} blobs (${formatBytes(totals.blobBytes)}), ${totals.files} files (${formatBytes(totals.fileBytes)})`,
    ],
    ['Assumes', `${totals.assumedBlobs} blobs of earlier generations`],
  ];
}

/** One sentence on a signature. */
export function describeSignature(status: SignatureStatus): string {
  if (status.state === 'good') return `signed by the key ${status.keyFingerprint}`;
  if (status.state === 'bad') return `bad: it does not fit the key ${status.keyFingerprint}`;
  return status.state === 'unsigned' ? 'unsigned' : 'signed by an unknown key';
}

function measureSpace(bundle: Bundle): { readonly name: string; readonly bytes: number }[] {
  const types = new Map(bundle.index.images.map((image) => [image.origin, image.type]));
  const names: Readonly<Record<string, string>> = {
    ocpRelease: 'release payloads',
    ocpReleaseContent: 'release components',
    cincinnatiGraph: 'update graph',
    operatorCatalog: 'operator catalogs',
    operatorBundle: 'operators',
    operatorRelatedImage: 'operators',
    helmImage: 'helm images',
    generic: 'additional images',
  };
  const sums = new Map<string, number>();
  const add = (name: string, bytes: number): void => void sums.set(name, (sums.get(name) ?? 0) + bytes);
  for (const blob of bundle.index.blobs) add(names[types.get(blob.origin) ?? ''] ?? 'other images', blob.size);
  for (const file of bundle.index.files)
    add(file.role === 'coreos' ? 'CoreOS boot images' : `files: ${file.role}`, file.size);
  return [...sums]
    .map(([name, bytes]) => ({ name, bytes }))
    .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
}

/** Bars, longest first, drawn as SVG. */
function renderBars(space: Receipt['space']): string {
  const largest = Math.max(1, ...space.map((one) => one.bytes));
  const bars = space.map(({ name, bytes }, at) => {
    const width = Math.max(1, Math.round((bytes / largest) * 420));
    const y = at * 26;
    const text = `<text x="0" y="${y + 15}">${escapeHtml(name)}</text>`;
    const bar = `<rect x="180" y="${y + 2}" width="${width}" height="18" rx="3" fill="#3b78c4"/>`;
    return `${text}${bar}<text x="${188 + width}" y="${y + 15}">${formatBytes(bytes)}</text>`;
  });
  return `<svg role="img" aria-label="Bytes by kind of content" width="720" height="${space.length * 26}">${bars.join('')}</svg>`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
