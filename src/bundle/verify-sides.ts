import path from 'node:path';
import { findFile } from '../core/files.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import { digestOf } from '../oci/index.ts';
import type { Bundle } from './bundle.ts';
import { indexLimits, renderIndex } from './index-text.ts';
import { sideNames } from './seal.ts';
import { checksumsText } from './segments.ts';

/**
 * Small files beside the volumes that are not what they should be. The bundle itself is none the worse: all of them are inside too. Of
 * `sha256sum.txt` only the names are looked at, since `sha256sum -c` finds a damaged sum.
 */
export async function checkSides(bundle: Bundle, run: Run): Promise<Finding[]> {
  if (bundle.kind === 'foreign') return [];
  const { index, facts, folder } = bundle;
  const names = bundle.volumes.map((volume) => volume.name).join(' ');
  const checks: readonly (readonly [name: string, isRight: (bytes: Buffer) => boolean])[] = [
    [sideNames.index, (bytes) => bytes.equals(renderIndex(index))],
    [sideNames.signature, (bytes) => bytes.toString('latin1').trim() === facts.signature],
    [sideNames.checksums, (bytes) => checksumsText(facts).equals(bytes)],
    [sideNames.plan, (bytes) => digestOf(bytes) === index.planDigest],
    [sideNames.sums, (bytes) => sumNames(bytes.toString('latin1')) === names],
  ];
  const findings: Finding[] = [];
  for (const [name, isRight] of checks) {
    const bytes = await findFile(path.join(folder, name), run, indexLimits.bytes);
    if (!bytes || isRight(bytes)) continue;
    findings.push({
      code: 'SIDE_FILE_DAMAGED',
      severity: 'warning',
      subject: path.join(folder, name),
      message: 'is not what it should be; the volumes hold a copy of their own, which counts',
      hint: 'copy it again from the connected side, or remove it',
    });
  }
  return findings;
}

/** The files that lines of `sha256sum` name; of a line that is none, the line. */
function sumNames(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => /^[0-9a-f]{64} {2}(\S+)$/.exec(line)?.[1] ?? line)
    .join(' ');
}
