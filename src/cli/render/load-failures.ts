import type { LoadResult } from '../../workflow/index.ts';
import { plural } from './table.ts';

const shownFailures = 20;

/** Causes first and each hint once; what failed only because a part of it did is counted. All of it is in `-o json`. */
export function renderFailures(failures: NonNullable<LoadResult['copied']>['failures']): string[] {
  const causes = failures.filter(({ code }) => code !== 'IMAGE_INCOMPLETE');
  const followed = failures.length - causes.length;
  const more = causes.length - shownFailures;
  const hints = new Set(causes.flatMap(({ hint }) => hint ?? []));
  return [
    ...causes.slice(0, shownFailures).map(({ subject, cause }) => `missing: ${subject}: ${cause}`),
    ...(more > 0 ? [`missing: ${more} more (-o json lists all)`] : []),
    ...(followed > 0 ? [`${plural(followed, 'manifest')} not written, since parts of them were not`] : []),
    ...[...hints].map((hint) => `  ${hint}`),
  ];
}

/** Web files that an earlier generation carried and that are not there. */
export function renderMissing(webPaths: readonly string[]): string[] {
  return webPaths.map(
    (one) => `missing: ${one}: an earlier generation carried it; load that one again with this web root`,
  );
}
