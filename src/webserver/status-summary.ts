import { formatBytes } from '../core/units.ts';
import { html, type Markup } from './html.ts';
import type { StatusLevel, StatusModel } from './status-model.ts';

/** The parts of the page, by the name that links lead to. */
export const sectionTitles = {
  services: 'Services',
  check: 'Last check',
  bundle: 'Bundle',
  releases: 'Releases',
  operators: 'Operators',
  files: 'RHCOS and other files',
  certificates: 'Certificates',
  disks: 'Disk',
  use: 'Use this bastion',
} as const;
export type SectionName = keyof typeof sectionTitles;

interface Part {
  readonly level: StatusLevel;
  readonly section: SectionName;
  readonly text: string;
}

/** More would push the page itself out of sight. */
const shownProblems = 5;

/** How the site is in one sentence, and what is wrong with it, worst first, with links to where more is said. */
export function summary(model: StatusModel): Markup {
  const parts = judgedParts(model);
  const problems = [
    ...parts.filter(({ level }) => level === 'bad'),
    ...parts.filter(({ level }) => level === 'warning'),
  ];
  const [level, text] = verdict(parts);
  const items = problems.slice(0, shownProblems).map(
    (one) => html`<li><a href="#${one.section}">${sectionTitles[one.section]}</a>: ${one.text}</li>
`,
  );
  const more = problems.length - items.length;
  if (more > 0) items.push(html`<li class="soft">and ${more} more below</li>`);
  const list = items.length > 0 ? html`<ul>${items}</ul>` : undefined;
  return html`<div class="verdict ${words[level][0]}"><p>${state(level, text)}</p>${list}</div>`;
}

function verdict(parts: readonly Part[]): readonly [StatusLevel, string] {
  const has = (level: StatusLevel): boolean => parts.some((part) => part.level === level);
  if (has('bad')) return ['bad', 'something needs repair'];
  if (has('warning')) return ['warning', 'something is worth a look'];
  return parts.length === 0 || has('unknown')
    ? ['unknown', 'not everything could be looked at']
    : ['good', 'all is well'];
}

function judgedParts(model: StatusModel): Part[] {
  const { services = [], certificates = [], disks = [], files = [], check } = model;
  return [
    ...services.map(
      ({ level, name, address, state }): Part => ({
        ...{ level, section: 'services', text: `${name} at ${address}: ${state}` },
      }),
    ),
    ...files.map(({ level, path, state }): Part => ({ level, section: 'files', text: `${path}: ${state}` })),
    ...certificates.map(
      (one): Part => ({
        ...{ level: one.level, section: 'certificates', text: `${one.name}: ${timeLeft(one.notAfter, model.at)}` },
      }),
    ),
    ...disks.map(
      ({ level, name, usedBytes, totalBytes }): Part => ({
        ...{ level, section: 'disks', text: `${name}: ${fill(usedBytes, totalBytes)}` },
      }),
    ),
    ...(check?.findings ?? []).map(
      ({ level, subject, message }): Part => ({
        ...{ level, section: 'check', text: `${subject}: ${message}` },
      }),
    ),
  ];
}

export function timeLeft(notAfter: Date, now: Date): string {
  const days = Math.floor((notAfter.getTime() - now.getTime()) / 86_400_000);
  return days < 0 ? 'run out' : days === 1 ? '1 day left' : `${days} days left`;
}

export function fill(usedBytes: number, totalBytes: number): string {
  return `${formatBytes(usedBytes)} of ${formatBytes(totalBytes)}`;
}

const words: Readonly<Record<StatusLevel, readonly [css: string, sign: string]>> = {
  good: ['good', '✓'],
  warning: ['warn', '!'],
  bad: ['bad', '✗'],
  unknown: ['soft', '?'],
};

/** A sign beside the colour: not everybody sees red and green. */
export function state(level: StatusLevel, text: string): Markup {
  const [css, sign] = words[level];
  return html`<span class="state ${css}"><span aria-hidden="true">${sign}</span> ${text}</span>`;
}
