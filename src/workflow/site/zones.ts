import path from 'node:path';
import type { Site } from '../../config/index.ts';
import { findFile, writeFileAtomic } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { buildZones, renderBindZone, serialOfDate, setSerials, type Zone, zoneFileName } from '../../dns/index.ts';
import { sitePaths } from './paths.ts';
import { zoneInput } from './zone-input.ts';

/**
 * The site's zones, with serials that grow when a zone changes and stay when it does not: the last rendering lies in the state folder.
 * `contentDate` is when the newest loaded bundle was planned, so that a first serial follows from input too.
 */
export async function siteZones(site: Site, contentDate: Date, run: Run): Promise<Zone[]> {
  const folder = sitePaths(site).zones;
  const plain = buildZones(zoneInput(site, 1));
  const earlier = new Map<string, string>();
  for (const zone of plain) {
    const bytes = await findFile(path.join(folder, zoneFileName(zone.name)), run);
    if (bytes) earlier.set(zoneFileName(zone.name), bytes.toString());
  }
  const zones = setSerials(plain, (zone) => earlier.get(zoneFileName(zone.name)), serialOfDate(contentDate));
  for (const zone of zones) {
    const text = renderBindZone(zone);
    if (earlier.get(zoneFileName(zone.name)) !== text)
      await writeFileAtomic(path.join(folder, zoneFileName(zone.name)), text, run);
  }
  return zones;
}
