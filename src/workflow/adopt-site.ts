import path from 'node:path';
import { type Bundle, bundleNames, readCarriedFile } from '../bundle/index.ts';
import { decodeText, readSite, type Site } from '../config/index.ts';
import { writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';

/**
 * On a bare bastion the configuration comes out of the bundle: writes its site file (and image set) into a folder where neither is, for this
 * command and all that follow. Returns the site file; undefined when the bundle was built without one.
 * @throws AirlockError BUNDLE_DAMAGED, FILE_UNWRITABLE
 */
export async function adoptSite(bundles: readonly Bundle[], folder: string, run: Run): Promise<string | undefined> {
  let siteFile: string | undefined;
  const newest = findNewest(bundles);
  if (!newest) return undefined;
  for (const member of [bundleNames.imageSet, bundleNames.site]) {
    const file = newest.index.files.find((one) => one.path === member);
    const target = path.join(folder, path.basename(member));
    if (!file || (await run.disk.stat(target))) continue;
    await writeFileAtomic(target, await readCarriedFile(newest, file, run), run);
    if (member === bundleNames.site) siteFile = target;
    run.report({ stage: 'load', state: 'log', level: 'info', message: `took ${target} out of the bundle` });
  }
  return siteFile;
}

/** The site file of the newest bundle that has one, read as `adoptSite` would leave it in the folder; writes nothing. */
export async function findCarriedSite(bundles: readonly Bundle[], folder: string, run: Run): Promise<Site | undefined> {
  const newest = findNewest(bundles);
  const file = newest?.index.files.find((one) => one.path === bundleNames.site);
  if (!newest || !file) return undefined;
  const name = path.basename(bundleNames.site);
  return readSite(decodeText(await readCarriedFile(newest, file, run), name), path.join(folder, name));
}

function findNewest(bundles: readonly Bundle[]): Bundle | undefined {
  return bundles.findLast((bundle) => bundle.index.files.some((file) => file.path === bundleNames.site));
}
