import { expect, test } from 'vitest';
import { buildZones, laterSerial, renderBindZone, serialOfDate, setSerials } from '../../src/dns/index.ts';
import { harbourSite } from './harbour-site.ts';

const first = serialOfDate(new Date('2026-11-23T10:00:00Z'));

test('the serial of a day', () => {
  expect(first).toBe(2026112300);
});

test('an unchanged zone keeps its bytes, and a changed one gets a later serial, whatever the day', () => {
  const earlier = new Map(
    setSerials(buildZones(harbourSite()), () => undefined, first).map((zone) => [zone.name, renderBindZone(zone)]),
  );
  const again = setSerials(
    buildZones(harbourSite()),
    (zone) => earlier.get(zone.name),
    serialOfDate(new Date('2027-01-01T00:00:00Z')),
  );
  expect(again.map(renderBindZone)).toEqual([...earlier.values()]);

  const web = { name: 'web', addresses: ['192.0.2.99'] };
  const changed = setSerials(buildZones(harbourSite({ web })), (zone) => earlier.get(zone.name), first);
  expect(changed[0]?.soa.serial).toBe(first + 1);
  // A clock that went back gives no earlier serial either.
  const older = setSerials(buildZones(harbourSite({ web })), (zone) => earlier.get(zone.name), first - 500);
  expect(older[0]?.soa.serial).toBe(first + 1);
  expect(
    setSerials(buildZones(harbourSite({ web })), (zone) => earlier.get(zone.name), first + 100)[0]?.soa.serial,
  ).toBe(first + 100);
});

test('serials go round past 32 bits', () => {
  expect(laterSerial(2 ** 32 - 1, first)).toBe(first);
  expect(laterSerial(2 ** 32 - 1, 2 ** 32 - 1)).toBe(1);
  expect(laterSerial(3_900_000_000, 3_800_000_000)).toBe(3_900_000_001);
});
