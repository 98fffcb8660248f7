import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ScannedMember, scanVolume } from '../../src/bundle/scan.ts';
import { nodeDisk } from '../../src/core/disk.ts';

/**
 * Writes the members of a volume, without those of Airlock's own, as an archive of real oc-mirror of so many segments: `mirror_000001.tar`, …, in the
 * order of the volume.
 */
export async function writeForeign(volume: string, folder: string, segments: number): Promise<void> {
  const bytes = await readFile(volume);
  const file = await nodeDisk.open(volume, 'read');
  const members: ScannedMember[] = [];
  for await (const member of scanVolume(file, bytes.length, path.basename(volume)))
    if (!member.path.startsWith('airlock/')) members.push(member);
  await file.close();
  await mkdir(folder, { recursive: true });
  for (let at = 0; at < segments; at += 1) {
    const from = Math.floor((members.length * at) / segments);
    const own = members.slice(from, Math.floor((members.length * (at + 1)) / segments));
    const pieces = own.map(({ headerOffset, dataOffset, size }) =>
      bytes.subarray(headerOffset, dataOffset + Math.ceil(size / 512) * 512),
    );
    const name = `mirror_${String(at + 1).padStart(6, '0')}.tar`;
    await writeFile(path.join(folder, name), Buffer.concat([...pieces, Buffer.alloc(1024)]));
  }
}
