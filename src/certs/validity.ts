const dayMs = 86_400_000;
// Clocks in a site without internet time differ; a certificate that is "not yet valid" on one node stops everything.
const backdateMs = 3_600_000;

/** A span that begins an hour before `now` and ends `days` after it, in whole seconds. */
export function validity(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  const seconds = Math.floor(now.getTime() / 1000) * 1000;
  return { notBefore: new Date(seconds - backdateMs), notAfter: new Date(seconds + days * dayMs) };
}

/** Whole days from `now` to `end`, negative once it is over. */
export function daysLeft(end: Date, now: Date): number {
  return Math.floor((end.getTime() - now.getTime()) / dayMs);
}

/**
 * Whether it is time for a new certificate: fewer than `renewBeforeDays` are left, by default 30, but never more than a third of its life,
 * so that a certificate of a week is not renewed at every start.
 */
export function needsRenewal(
  certificate: { readonly notBefore: Date; readonly notAfter: Date },
  now: Date,
  renewBeforeDays = 30,
): boolean {
  const lifeMs = certificate.notAfter.getTime() - certificate.notBefore.getTime();
  const leadMs = Math.min(renewBeforeDays * dayMs, lifeMs / 3);
  return certificate.notAfter.getTime() - now.getTime() < leadMs || certificate.notBefore > now;
}
