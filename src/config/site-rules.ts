import type { Faults } from './faults.ts';
import type { Site } from './site.ts';
import type { SiteFile } from './site-schema.ts';

/** Rules that look at more than one value. */
export function checkSite(_site: Site, _decoded: SiteFile, _faults: Faults): void {}
