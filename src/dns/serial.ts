import { renderBindZone } from './render/bind.ts';
import type { Zone } from './zone.ts';

/** The customary serial of a day: `YYYYMMDD00`, in UTC. Good for 2147 and later in the unsigned arithmetic of RFC 1982. */
export function serialOfDate(date: Date): number {
  return Number(`${date.toISOString().slice(0, 10).replaceAll('-', '')}00`);
}

/**
 * Gives each zone its serial: that of its earlier rendering where nothing else changed, one more (or `first`, if that is later) where
 * something did, `first` for a new zone. So the same input gives the same bytes, and a changed zone is always newer than what a secondary
 * holds. `findEarlier` returns the text that `renderBindZone` gave last time. `first` should follow from input too, for example
 * `serialOfDate` of the bundle's generation.
 * @see RFC 1982
 */
export function setSerials(
  zones: readonly Zone[],
  findEarlier: (zone: Zone) => string | undefined,
  first: number,
): Zone[] {
  return zones.map((zone) => {
    const text = findEarlier(zone);
    const earlier = /^\s*(\d{1,10})\s*; serial$/m.exec(text ?? '')?.[1];
    if (earlier === undefined) return withSerial(zone, first);
    const kept = withSerial(zone, Number(earlier));
    return renderBindZone(kept) === text ? kept : withSerial(zone, laterSerial(Number(earlier), first));
  });
}

/** The greater of `earlier + 1` and `wanted` in serial arithmetic. Zero is left out: some tools read it as "none". */
export function laterSerial(earlier: number, wanted: number): number {
  const distance = (wanted - earlier) >>> 0;
  const next = distance > 0 && distance < 2 ** 31 ? wanted : (earlier + 1) >>> 0;
  return next === 0 ? 1 : next;
}

function withSerial(zone: Zone, serial: number): Zone {
  return { ...zone, soa: { ...zone.soa, serial } };
}
