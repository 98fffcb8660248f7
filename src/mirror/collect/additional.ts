import type { ImageSet } from '../../config/index.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import { formatPlatform, type Platform } from '../../oci/index.ts';
import { additionalStorageName, parseImageName } from '../naming.ts';
import { type Collector, orMissing } from './collector.ts';
import { addImage } from './image.ts';
import { addLayoutImage } from './layout-image.ts';

type AdditionalImage = ImageSet['mirror']['additionalImages'][number];

/** Adds `additionalImages` (reference §8.1). The same entry again adds nothing; platforms of one image listed several times are united. */
export async function collectAdditional(
  collector: Collector,
  entries: readonly AdditionalImage[],
  run: Run,
): Promise<void> {
  const platforms = unitePlatforms(entries);
  const distinct = new Map(
    entries.map((entry) => [[entry.name, entry.targetRepo ?? '', entry.targetTag ?? ''].join(' '), entry]),
  );
  await mapLimited([...distinct.values()], collector.options.parallel ?? 8, async (entry) => {
    await orMissing(collector, { type: 'generic', origin: entry.name }, async () => {
      const name = parseImageName(entry.name);
      const request = {
        type: 'generic' as const,
        origin: entry.name,
        ...additionalStorageName(name, entry),
        platforms: platforms.get(entry.name) ?? [],
        reason: 'additional image',
      };
      if (name.transport === 'docker') await addImage(collector, request, run);
      else await addLayoutImage(collector, name, request, run);
    });
  });
}

function unitePlatforms(entries: readonly AdditionalImage[]): Map<string, readonly Platform[]> {
  const united = new Map<string, readonly Platform[]>();
  for (const entry of entries) {
    const known = united.get(entry.name);
    // One entry without platforms asks for all of them.
    if (known && (known.length === 0 || entry.platforms.length === 0)) united.set(entry.name, []);
    else {
      const all = [...(known ?? []), ...entry.platforms];
      united.set(entry.name, [...new Map(all.map((platform) => [formatPlatform(platform), platform])).values()]);
    }
  }
  return united;
}
