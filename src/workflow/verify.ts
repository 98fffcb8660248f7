import path from 'node:path';
import {
  type Bundle,
  checkSignature,
  createReceipt,
  generationText,
  isHere,
  type PartList,
  renderReceiptHtml,
  renderReceiptMarkdown,
  type VerifyReport,
  verifyBundle,
} from '../bundle/index.ts';
import { readFileLimited, writeFileAtomic } from '../core/files.ts';
import type { Finding } from '../core/findings.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import { type Need, type NeedList, needOfParts, openMedia, orderMedia, writeNeedList } from './media.ts';

export interface VerifyRequest {
  readonly bundle: string;
  /** Further folders where parts of the same bundle lie. */
  readonly media: readonly string[];
  readonly keyFile?: string | undefined;
  /** Where receipts go. */
  readonly reportFolder?: string | undefined;
  /** Where the list of damaged and missing pieces goes, for `build --parts`. */
  readonly needListFile?: string | undefined;
  /** Who verifies, for the receipt. */
  readonly verifiedBy: string;
}

/** What was found. */
export interface VerifyResult {
  readonly whole: boolean;
  readonly bundles: readonly VerifyReport[];
  /** Of each bundle that is not whole. */
  readonly needed: readonly NeedList[];
  /** Files of `needed`, in that order, where they were asked for. */
  readonly needLists: readonly string[];
  /** Receipts and need lists. */
  readonly written: readonly string[];
}

/**
 * Looks at every byte of a bundle, of each of a chain, or of the parts that are on the media here.
 * @throws AirlockError BUNDLE_NOT_FOUND, BUNDLE_INVALID, SIGNING_KEY_INVALID
 */
export async function verify(request: VerifyRequest, run: Run): Promise<VerifyResult> {
  const publicKeyPem =
    request.keyFile === undefined ? undefined : (await readFileLimited(request.keyFile, run)).toString();
  const opened = await openMedia(request.bundle, request.media, run);
  const bundles: VerifyReport[] = [];
  const needed: NeedList[] = [];
  const written: string[] = [];
  for (const bundle of opened.bundles) {
    const options = publicKeyPem === undefined ? {} : { publicKeyPem };
    const folders = await orderMedia([request.bundle, ...request.media], run);
    const { report: found, need } = opened.partList
      ? await verifyParts(bundle, { list: opened.partList, folders, options }, opened.run, run)
      : { report: await verifyBundle(bundle, options, opened.run), need: undefined };
    const report = opened.partList ? ofMedia(found, [request.bundle, ...request.media]) : found;
    bundles.push(report);
    const list = need ?? needOfVolumes(bundle, report);
    if (list.needs.length > 0) needed.push(list);
    if (request.reportFolder !== undefined)
      written.push(...(await writeReceipt(bundle, report, request, request.reportFolder, run)));
  }
  const needLists: string[] = [];
  for (const list of request.needListFile === undefined ? [] : needed) {
    const file = needListName(request.needListFile ?? '', list.generation, needLists.length === 0);
    await writeNeedList(file, list, run);
    needLists.push(file);
  }
  const whole = bundles.every((report) => report.whole);
  return { whole, bundles, needed, needLists, written: [...written, ...needLists] };
}

/** A list is of one bundle: of a chain those after the first lie beside it, under the number of their generation. */
function needListName(file: string, generation: number, isFirst: boolean): string {
  if (isFirst) return file;
  const { dir, name, ext } = path.parse(file);
  return path.join(dir, `${name}-${generationText(generation)}${ext}`);
}

/**
 * Looks at the parts that are here. Where all are, the members are compared at the same time: whichever reads later finds the bytes in the page cache,
 * so that a slow medium is read once.
 */
async function verifyParts(
  bundle: Bundle,
  {
    list,
    folders,
    options,
  }: { readonly list: PartList; readonly folders: readonly string[]; readonly options: { publicKeyPem?: string } },
  joined: Run,
  run: Run,
): Promise<{ readonly report: VerifyReport; readonly need: NeedList }> {
  const isComplete = bundle.volumes.every(
    ({ path: file, sizeBytes, foundBytes }) =>
      foundBytes !== undefined && isHere(bundle, { source: { path: file, offset: 0 }, size: sizeBytes }),
  );
  if (!isComplete) {
    const need = await needOfParts(list, folders, run);
    return { report: reportOfParts(bundle, list, need, options.publicKeyPem), need };
  }
  const silent = { ...run, report: () => {} };
  const [report, need] = await Promise.all([verifyBundle(bundle, options, joined), needOfParts(list, folders, silent)]);
  return { report: need.needs.length > 0 ? reportOfParts(bundle, list, need, options.publicKeyPem) : report, need };
}

/** Parts lie on all of the media together: one folder alone would be blamed or praised for the others. */
function ofMedia(report: VerifyReport, folders: readonly string[]): VerifyReport {
  const folder = folders.join(', ');
  const findings = report.findings.map((one) => (one.subject === report.folder ? { ...one, subject: folder } : one));
  return { ...report, folder, findings };
}

/** Which volumes have to be brought again. */
function needOfVolumes(bundle: Bundle, report: VerifyReport): NeedList {
  const needs = new Map<string, Need>();
  for (const { volume, part } of report.damages) {
    const reason = part === 'missing' || part === 'size' || part === 'unreadable' ? part : 'digest';
    if (!needs.has(volume)) needs.set(volume, { name: volume, reason });
  }
  const { generation } = bundle.index;
  const { indexDigest } = bundle;
  return { apiVersion: 'airlock/v1alpha1', kind: 'NeedList', generation, indexDigest, needs: [...needs.values()] };
}

/**
 * Parts that are not there cannot be looked into: which of those here are right is known, and the signature of the index. Missing ones are one
 * finding: whoever looks at one medium of many expects the rest to be elsewhere.
 */
function reportOfParts(
  bundle: Bundle,
  list: PartList,
  { needs }: NeedList,
  publicKeyPem: string | undefined,
): VerifyReport {
  const { index, indexDigest, folder, kind } = bundle;
  const signature = checkSignature(bundle, publicKeyPem);
  const words = { size: 'has the wrong size', digest: 'is damaged', unreadable: 'cannot be read' };
  const missing = needs.filter((need) => need.reason === 'missing').map((need) => need.name);
  const findings: Finding[] = needs.flatMap(({ name, reason }): Finding[] => {
    if (reason === 'missing') return [];
    const hint = 'write a need list with --need-list and make it again: airlock build --parts';
    return [{ code: 'PART_DAMAGED', severity: 'error', subject: name, message: `the part ${words[reason]}`, hint }];
  });
  const [here, of] = [list.parts.length - missing.length, list.parts.length];
  if (missing.length > 0) {
    const which = missing.length > 3 ? `${missing.slice(0, 2).join(', ')} … ${missing.at(-1)}` : missing.join(', ');
    findings.push({
      code: 'PART_MISSING',
      severity: 'error',
      subject: folder,
      message: `${missing.length} of ${of} parts are not on the media that are here: ${which}`,
      hint:
        needs.length === missing.length
          ? `the ${here === 1 ? 'part here is' : `${here} parts here are`} right; look at the other media too, side by side with --media or one after the other`
          : 'name further media with --media, or write a need list with --need-list and make them again: airlock build --parts',
    });
  }
  if (signature.state === 'bad') {
    const message = 'the signature does not fit the index and the given key';
    findings.push({ code: 'SIGNATURE_BAD', severity: 'error', subject: folder, message, hint: 'do not load it' });
  }
  const unread = new Set(needs.filter((need) => need.reason !== 'digest').map((need) => need.name));
  return {
    folder,
    kind,
    generation: index.generation,
    indexDigest,
    ...(index.parent ? { parent: index.parent } : {}),
    signature,
    findings,
    damages: [],
    checkedBytes: list.parts.reduce((sum, part) => sum + (unread.has(part.name) ? 0 : part.size), 0),
    whole: false,
  };
}

async function writeReceipt(
  bundle: Bundle,
  report: VerifyReport,
  request: VerifyRequest,
  folder: string,
  run: Run,
): Promise<string[]> {
  const receipt = createReceipt(bundle, report, { verifiedBy: request.verifiedBy, verifiedAt: run.now() });
  const base = path.join(folder, `receipt-${generationText(bundle.index.generation)}`);
  const texts = {
    md: renderReceiptMarkdown(receipt),
    json: prettyJson(receipt),
    html: renderReceiptHtml(receipt),
  };
  const files: string[] = [];
  for (const [ending, text] of Object.entries(texts)) {
    await writeFileAtomic(`${base}.${ending}`, text, run);
    files.push(`${base}.${ending}`);
  }
  return files;
}
