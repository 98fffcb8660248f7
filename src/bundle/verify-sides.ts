import path from 'node:path';
import { isAirlockError } from '../core/errors.ts';
import { findFile } from '../core/files.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import { digestOf } from '../oci/index.ts';
import type { Bundle } from './bundle.ts';
import { hashOnThread } from './hash-worker.ts';
import { indexLimits, renderIndex } from './index-text.ts';
import { sideNames } from './seal.ts';
import { checksumsText } from './segments.ts';

/** Sums (sha256, bare hex) of whole volumes by name, as far as they are known. */
export type VolumeSums = ReadonlyMap<string, string>;

/**
 * Small files beside the volumes that are not what they should be. The bundle itself is none the worse: all of them are inside too. Of
 * `sha256sum.txt` every name has to be right, and every sum that `sums` has: those of volumes that were found whole.
 */
export async function checkSides(bundle: Bundle, sums: VolumeSums, run: Run): Promise<Finding[]> {
  if (bundle.kind === 'foreign') return [];
  const { index, facts, folder } = bundle;
  const checks: readonly (readonly [name: string, isRight: (bytes: Buffer) => boolean])[] = [
    [sideNames.index, (bytes) => bytes.equals(renderIndex(index))],
    [sideNames.signature, (bytes) => bytes.toString('latin1').trim() === facts.signature],
    [sideNames.checksums, (bytes) => checksumsText(facts).equals(bytes)],
    [sideNames.plan, (bytes) => digestOf(bytes) === index.planDigest],
    [sideNames.sums, (bytes) => fitsVolumes(bytes.toString('latin1'), bundle, sums)],
  ];
  const findings: Finding[] = [];
  for (const [name, isRight] of checks) {
    const bytes = await findFile(path.join(folder, name), run, indexLimits.bytes);
    if (!bytes || isRight(bytes)) continue;
    findings.push({
      code: 'SIDE_FILE_DAMAGED',
      severity: 'warning',
      subject: path.join(folder, name),
      message:
        name === sideNames.sums
          ? 'does not name the volumes with the sums that they have; the index is what the volumes were compared with'
          : 'is not what it should be; the volumes hold a copy of their own, which counts',
      hint: 'copy it again from the connected side, or remove it',
    });
  }
  return findings;
}

/**
 * Works out the sums of whole volumes for `sha256sum.txt`, where it lies beside them: a second digest over every byte, on a thread of its own that
 * keeps step with the comparison of the members through the page cache. Volumes that are not there, in parts or unreadable have none.
 * @throws AirlockError CANCELLED
 */
export async function sumVolumes(bundle: Bundle, run: Run): Promise<VolumeSums> {
  const sums = new Map<string, string>();
  if (bundle.kind === 'foreign' || bundle.parts) return sums;
  if (!(await run.disk.stat(path.join(bundle.folder, sideNames.sums)))) return sums;
  for (const { name, path: file, foundBytes, sizeBytes } of bundle.volumes) {
    if (foundBytes !== sizeBytes) continue;
    try {
      sums.set(name, await hashOnThread(file, run));
    } catch (error) {
      // Reading the members finds the place.
      if (!isAirlockError(error, 'FILE_UNREADABLE')) throw error;
    }
  }
  return sums;
}

/** Whether lines of `sha256sum` name the volumes in order, each with its sum where that is known. */
function fitsVolumes(text: string, { volumes }: Bundle, sums: VolumeSums): boolean {
  const lines = text.trimEnd().split('\n');
  return (
    lines.length === volumes.length &&
    volumes.every(({ name }, at) => {
      const [, hex, named] = /^([0-9a-f]{64}) {2}(\S+)$/.exec(lines[at] ?? '') ?? [];
      return named === name && hex === (sums.get(name) ?? hex);
    })
  );
}
