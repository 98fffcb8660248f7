import type { IncomingHttpHeaders } from 'node:http';

/** The validators of a file: a strong entity tag with its quotes, and when it was last changed. */
export interface Validators {
  readonly etag: string;
  readonly modifiedAt: Date;
}

/** What the preconditions of a request lead to; `whole` means that Range has to be ignored. */
export type Precondition = 'proceed' | 'whole' | 'not-modified' | 'failed';

/** Evaluates If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since and If-Range in the order of RFC 9110 §13.2.2. */
export function evaluatePreconditions(headers: IncomingHttpHeaders, file: Validators, now: Date): Precondition {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  if (ifMatch !== undefined) {
    if (!listMatches(ifMatch, file.etag, false)) return 'failed';
  } else if (isAfter(file.modifiedAt, headers['if-unmodified-since'])) return 'failed';
  if (ifNoneMatch !== undefined) {
    if (listMatches(ifNoneMatch, file.etag, true)) return 'not-modified';
  } else if (isNotAfter(file.modifiedAt, headers['if-modified-since'])) return 'not-modified';
  const ifRange = headers['if-range'];
  return typeof ifRange === 'string' && !rangeStillValid(ifRange.trim(), file, now) ? 'whole' : 'proceed';
}

function listMatches(header: string, etag: string, weak: boolean): boolean {
  if (header.trim() === '*') return true;
  // An entity tag may hold commas, so the list is matched, not split.
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => (weak ? tag.replace(/^W\//, '') : tag) === etag);
}

function rangeStillValid(header: string, file: Validators, now: Date): boolean {
  if (header.startsWith('"') || header.startsWith('W/')) return header === file.etag;
  const date = parseHttpDate(header);
  // A date is a strong validator only once the second that it names is over (RFC 9110 §8.8.2.2).
  return date !== undefined && date === seconds(file.modifiedAt) && seconds(now) > date;
}

function isAfter(modified: Date, header: string | undefined): boolean {
  const date = parseHttpDate(header);
  return date !== undefined && seconds(modified) > date;
}

function isNotAfter(modified: Date, header: string | undefined): boolean {
  const date = parseHttpDate(header);
  return date !== undefined && seconds(modified) <= date;
}

// The three forms of RFC 9110 §5.6.7 all begin with a day's name; Date.parse alone takes almost anything.
function parseHttpDate(text: string | undefined): number | undefined {
  if (text === undefined || !/^(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text.trim())) return undefined;
  const time = Date.parse(/GMT\s*$/i.test(text) ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
