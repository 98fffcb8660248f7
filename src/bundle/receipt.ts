import { worstFirst } from '../core/findings.ts';
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
      : worstFirst(report.findings).map(
          (one) => `- ${one.severity}: ${cell(one.subject)}: ${cell(one.message)} (\`${one.code}\`)`,
        )),
    '',
    '## Space',
    '',
    '| Content | Bytes | |',
    '| --- | ---: | ---: |',
    ...receipt.space.map(({ name, bytes }) => `| ${cell(name)} | ${bytes} | ${formatBytes(bytes)} |`),
    '',
    ...(contents.releases.length === 0
      ? []
      : [
          '## Releases',
          '',
          '| Release | Architecture | Digest | OpenPGP signature |',
          '| --- | --- | --- | --- |',
          ...contents.releases.map((one) => {
            return `| ${cell(one.version)} | ${one.architecture} | ${one.digest} | ${one.signature} |`;
          }),
          '',
        ]),
    '## Images',
    '',
    '| Image | Name at the mirror | Digest | cosign signature |',
    '| --- | --- | --- | --- |',
    ...contents.images.map((image) => {
      return `| ${cell(imageName(image))} | ${cell(image.targets.join(', '))} | ${image.digest} | ${image.signature} |`;
    }),
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

/** What stands at the top of a receipt: name and value. */
export function factsOf({ contents, report, verifiedAt, verifiedBy }: Receipt): [string, string][] {
  const { totals } = contents;
  return [
    ['Index', contents.indexDigest],
    ['Made', contents.createdAt],
    [
      'Builds on',
      contents.parent ? `generation ${contents.parent.generation} (${contents.parent.indexDigest})` : 'nothing',
    ],
    ['Verified', `${verifiedAt} by ${verifiedBy}`],
    ['Result', report.whole ? `whole: all ${report.checkedBytes} bytes were read` : 'not whole'],
    ['Signature', describeSignature(report.signature)],
    [
      'Holds',
      `${totals.images} images, ${totals.blobs} blobs (${formatBytes(totals.blobBytes)}), ${totals.files} files (${formatBytes(totals.fileBytes)})`,
    ],
    ['Assumes', `${totals.assumedBlobs} blobs of earlier generations`],
  ];
}

/** Where an image comes from; without its own digest, which has a column of its own. */
export function imageName({ origin, digest }: BundleContents['images'][number]): string {
  return origin.replace(`@${digest}`, '');
}

/** One sentence on a signature. */
export function describeSignature(status: SignatureStatus): string {
  if (status.state === 'good') return `signed by the key ${status.keyFingerprint}`;
  if (status.state === 'bad') return `bad: it does not fit the key ${status.keyFingerprint}`;
  return status.state === 'unsigned' ? 'unsigned' : 'signed by an unknown key';
}

const contentNames: Readonly<Record<string, string>> = {
  ocpRelease: 'release payloads',
  ocpReleaseContent: 'release components',
  cincinnatiGraph: 'update graph',
  operatorCatalog: 'operator catalogs',
  operatorBundle: 'operators',
  operatorRelatedImage: 'operators',
  helmImage: 'helm images',
  generic: 'additional images',
};

const fileNames: Readonly<Record<string, string>> = {
  coreos: 'CoreOS boot images',
  tool: 'airlock and client tools',
  config: 'configuration and plan',
  'registry-image': 'registry image',
  'working-dir': 'what oc-mirror needs',
};

function measureSpace({ index }: Bundle): { readonly name: string; readonly bytes: number }[] {
  const types = new Map(index.images.map((image) => [image.origin, image.type]));
  const sums = new Map<string, number>();
  const add = (name: string, bytes: number): void => void sums.set(name, (sums.get(name) ?? 0) + bytes);
  for (const blob of index.blobs) add(contentNames[types.get(blob.origin) ?? ''] ?? 'other images', blob.size);
  for (const file of index.files) add(fileNames[file.role] ?? file.role, file.size);
  return [...sums]
    .map(([name, bytes]) => ({ name, bytes }))
    .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
}
