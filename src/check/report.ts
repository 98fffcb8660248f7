import type { Finding } from '../core/findings.ts';

/** What was looked at; a count is of things that were really asked for. */
export interface CheckCounts {
  readonly names: number;
  readonly connections: number;
  readonly images: number;
  readonly manifests: number;
  readonly blobs: number;
  readonly files: number;
  readonly fileBytes: number;
}

/** The result of `runChecks`: ready when no finding is an error. */
export interface CheckReport {
  readonly findings: readonly Finding[];
  readonly counts: CheckCounts;
}

/** What one check found. */
export interface CheckPart {
  readonly findings: readonly Finding[];
  readonly counts: Partial<CheckCounts>;
}

export const noCounts: CheckCounts = {
  names: 0,
  connections: 0,
  images: 0,
  manifests: 0,
  blobs: 0,
  files: 0,
  fileBytes: 0,
};

/** The parts put together, findings in the order of the parts. */
export function joinParts(parts: readonly CheckPart[]): CheckReport {
  const counts = { ...noCounts };
  for (const part of parts)
    for (const key of Object.keys(noCounts) as (keyof CheckCounts)[]) counts[key] += part.counts[key] ?? 0;
  return { findings: parts.flatMap((part) => part.findings), counts };
}
