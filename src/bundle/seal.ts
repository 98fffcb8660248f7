import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import { type Digest, digestFromHex } from '../oci/index.ts';
import { findVolumes } from './bundle.ts';
import type { BundleIndex } from './format.ts';
import { hashOnThread } from './hash-worker.ts';
import { type GenerationRecord, recordOf } from './records.ts';
import { checksumsText, type IndexFacts } from './segments.ts';
import { checkVolumes, reportVolumes } from './verify-volumes.ts';

/** Small files beside the volumes: the same index, signature and checksums as inside, and the volumes' sums for `sha256sum -c`. */
export const sideNames = {
  index: 'index.json',
  signature: 'index.sig',
  checksums: 'index.sha256',
  sums: 'sha256sum.txt',
  plan: 'plan.json',
  journal: 'journal',
} as const;

/**
 * Reads the filled volumes back, writes the side files and returns the record that the workspace will keep.
 * @throws AirlockError BUNDLE_DAMAGED when the disk gives back other bytes than were written
 */
export async function readBack(
  folder: string,
  index: BundleIndex,
  indexBytes: Buffer,
  facts: IndexFacts,
  run: Run,
): Promise<GenerationRecord> {
  const volumes = await findVolumes(folder, index, facts, run);
  run.report({ stage: 'build', state: 'log', level: 'info', message: 'all is there; reading the volumes back' });
  reportVolumes('build', volumes, run);
  const summing = mapLimited(
    volumes,
    1,
    async (volume) => [volume.name, await hashOnThread(volume.path, run)] as const,
  );
  // Its failure shows when it is waited for, below.
  summing.catch(() => {});
  const { damages } = await checkVolumes(index, facts, volumes, 'build', run);
  const sums = new Map(await summing);
  const first = damages[0];
  if (first) {
    throw new AirlockError(
      'BUNDLE_DAMAGED',
      `${first.volume} gives back other bytes than were written, at byte ${first.offset} (${first.member ?? first.part})`,
      {
        hint: 'run it again: what is damaged is brought once more; when that ends the same way the disk is failing',
        details: { damages },
      },
    );
  }
  const sealed = volumes.map(({ name, sizeBytes }) => ({ name, sizeBytes, sha256: sums.get(name) ?? '' }));
  await writeSideFiles(folder, indexBytes, facts, sealed, run);
  const indexDigest: Digest = digestFromHex(facts.sha256);
  return recordOf(index, { indexDigest, signature: facts.signature, volumes: sealed });
}

async function writeSideFiles(
  folder: string,
  indexBytes: Buffer,
  facts: IndexFacts,
  volumes: GenerationRecord['volumes'],
  run: Run,
): Promise<void> {
  await writeFileAtomic(path.join(folder, sideNames.index), indexBytes, run);
  await writeFileAtomic(path.join(folder, sideNames.checksums), checksumsText(facts), run);
  await writeFileAtomic(path.join(folder, sideNames.signature), facts.signature, run);
  const sums = volumes.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
  await writeFileAtomic(path.join(folder, sideNames.sums), sums, run);
}
