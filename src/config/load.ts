import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { findFile } from '../core/files.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import { digestOf } from '../oci/index.ts';
import { documentLimits } from './document.ts';
import { Faults, type Parsed } from './faults.ts';
import type { DeleteImageSet, LoadedDeleteImageSet, LoadedImageSet } from './image-set.ts';
import { parseDeleteImageSet, parseImageSet } from './image-set-parse.ts';
import type { LoadedSite, Site } from './site.ts';
import { parseSite } from './site-parse.ts';

/**
 * Reads an ImageSetConfiguration and its digest.
 * @throws AirlockError CONFIG_NOT_FOUND, CONFIG_INVALID (`details.findings` holds every finding), FILE_UNREADABLE
 */
export async function loadImageSet(file: string, run: Run): Promise<LoadedImageSet> {
  const { bytes, text } = await readConfigFile(file, run);
  const parsed = parseImageSet(text, file);
  const imageSet = acceptParsed(parsed, file);
  return { file, imageSet, bytes, imageSetDigest: digestOf(bytes), findings: parsed.findings };
}

/** Reads a DeleteImageSetConfiguration. @throws as `loadImageSet` */
export async function loadDeleteImageSet(file: string, run: Run): Promise<LoadedDeleteImageSet> {
  const { bytes, text } = await readConfigFile(file, run);
  const parsed: Parsed<DeleteImageSet> = parseDeleteImageSet(text, file);
  return { file, deleteImageSet: acceptParsed(parsed, file), bytes, findings: parsed.findings };
}

/**
 * Reads a site file; relative paths in it start at its folder.
 * @throws AirlockError CONFIG_NOT_FOUND, CONFIG_INVALID (`details.findings` holds every finding), FILE_UNREADABLE
 */
export async function loadSite(file: string, run: Run): Promise<LoadedSite> {
  const { bytes, text } = await readConfigFile(file, run);
  const parsed = parseAt(text, file);
  return { site: acceptParsed(parsed, file), bytes, siteDigest: digestOf(bytes), findings: parsed.findings };
}

/** A site from its text, as if it lay in `file`. @throws AirlockError CONFIG_INVALID */
export function readSite(text: string, file: string): Site {
  return acceptParsed(parseAt(text, file), file);
}

function parseAt(text: string, file: string): Parsed<Site> {
  return parseSite(text, file, { folder: path.dirname(path.resolve(file)) });
}

/** The bytes of a configuration file, and its text. @throws AirlockError CONFIG_NOT_FOUND, CONFIG_INVALID, FILE_UNREADABLE */
export async function readConfigFile(file: string, run: Run): Promise<{ bytes: Uint8Array; text: string }> {
  if ((await run.disk.stat(file))?.kind === 'directory')
    throw new AirlockError('CONFIG_NOT_FOUND', `${file} is a folder`, { hint: 'name the file in it' });
  // A little more than the parser takes, so that it can say so with its own words.
  const bytes = await findFile(file, run, documentLimits.bytes + (64 << 10));
  if (!bytes) {
    throw new AirlockError('CONFIG_NOT_FOUND', `${file} does not exist`, {
      hint: '"airlock init" writes a commented site.yaml and imageset.yaml to start from',
    });
  }
  return { bytes, text: decodeText(bytes, file) };
}

/** The value, when no finding is an error. @throws AirlockError CONFIG_INVALID with a line for each finding */
export function acceptParsed<T>(parsed: Parsed<T>, file: string): T {
  if (parsed.value !== undefined) return parsed.value;
  const errors = parsed.findings.filter((finding) => finding.severity === 'error');
  const count = errors.length === 1 ? 'a fault' : `${errors.length} faults`;
  throw new AirlockError(
    'CONFIG_INVALID',
    [`${file} has ${count}:`, ...parsed.findings.map(formatFinding)].join('\n'),
    {
      details: { findings: parsed.findings },
    },
  );
}

/** `file:line:column: path: message (hint)`, as editors and CI read it. */
export function formatFinding(finding: Finding): string {
  const { place } = finding;
  const where = place
    ? `${place.file}:${place.line}:${place.column}: ${place.path === '' ? '' : `${place.path}: `}`
    : `${finding.subject}: `;
  const severity = finding.severity === 'error' ? '' : `${finding.severity}: `;
  return `${where}${severity}${finding.message}${finding.hint === undefined ? '' : ` (${finding.hint})`}`;
}

/** The text of a file: UTF-8, or UTF-16 where a byte order mark says so. @throws AirlockError CONFIG_INVALID for anything else */
export function decodeText(bytes: Uint8Array, file: string): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const bad = text.indexOf('\ufffd');
  if (bad >= 0 && !Buffer.from(text).equals(bytes)) {
    const before = text.slice(0, bad).split('\n');
    const faults = new Faults(file);
    const at = { line: before.length, column: (before.at(-1) ?? '').length + 1 };
    faults.error(
      'CONFIG_SYNTAX',
      [],
      'not UTF-8: this is no text file, or one in another encoding',
      'save it as UTF-8',
      at,
    );
    acceptParsed({ value: undefined, findings: faults.list() }, file);
  }
  return text;
}
