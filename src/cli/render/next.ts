import { quoteWord } from '../../core/shell-word.ts';
import type { Flags } from '../command.ts';

/** The line that ends a result for people: what to run now, in order. */
export function renderNext(...steps: readonly string[]): string {
  return `next: ${steps.join(' · ')}`;
}

/** `-f FILE` as it was given, with a blank before it; empty where the site file of the folder was taken. */
export function siteWords(flags: Flags): string {
  const site = flags.text('site');
  return site === undefined ? '' : ` -f ${quoteWord(site)}`;
}
