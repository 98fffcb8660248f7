import { createHash } from 'node:crypto';
import path from 'node:path';
import type { DiskEntry } from '../core/disk.ts';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import { diskError, findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { digestFromHex, digestHex, digestOf } from '../oci/index.ts';
import { type Bundle, findVolumes } from './bundle.ts';
import { readFileFrom } from './contents.ts';
import { indexForeign } from './foreign.ts';
import { type BundleIndex, bundleNames, signatureSlotBytes, volumeNumber } from './format.ts';
import { indexLimits, parseIndex } from './index-text.ts';
import { assertPlaces } from './layout.ts';
import { checksumsBytes } from './members.ts';
import { scanVolume } from './scan.ts';
import { sideNames } from './seal.ts';
import { checksumsText, type IndexFacts } from './segments.ts';

/**
 * Opens what a user calls a BUNDLE: a generation's folder, one of its volumes, the DIR above several generations (then all of them, oldest
 * first), or a folder of real oc-mirror's tars. Reads and checks the index; members are not read.
 * @throws AirlockError BUNDLE_NOT_FOUND, BUNDLE_INVALID, FILE_UNREADABLE
 */
export async function openBundle(bundlePath: string, run: Run): Promise<Bundle[]> {
  const stat = await run.disk.stat(bundlePath);
  if (!stat) throw new AirlockError('BUNDLE_NOT_FOUND', `${bundlePath} does not exist`, { hint: bundleHint });
  if (stat.kind === 'file') {
    await assertVolume(bundlePath, run);
    return [await openFolder(path.dirname(bundlePath), path.basename(bundlePath), run)];
  }
  const entries = await run.disk.list(bundlePath);
  const names = entries.map((entry) => entry.name);
  if (entries.some(isVolume) || names.includes(sideNames.checksums))
    return [await openFolder(bundlePath, undefined, run)];
  const bundles: Bundle[] = [];
  for (const name of names.filter((one) => /^gen-[0-9]{6}$/.test(one)).sort())
    bundles.push(await openFolder(path.join(bundlePath, name), undefined, run));
  if (bundles.length > 0) return bundles;
  const partial = [path.basename(bundlePath), ...names].some((name) => /^gen-[0-9]{6}\.partial$/.test(name));
  throw new AirlockError('BUNDLE_NOT_FOUND', `${bundlePath} holds no bundle`, {
    hint: partial ? 'its build was not finished: run `airlock build` again' : bundleHint,
  });
}

const bundleHint = 'name a folder with mirror_000001.tar, one volume, or the folder above gen-000001';

/** A file under another name than a volume's has to be a tar at least: what else a user names by mistake is not a damaged one. */
async function assertVolume(file: string, run: Run): Promise<void> {
  const name = path.basename(file);
  if (volumeNumber(name) !== undefined) return;
  if (/^mirror_[0-9]{6}\.tar\.part-/.test(name)) {
    throw new AirlockError('BUNDLE_NOT_FOUND', `${file} is a part of a volume`, {
      hint: 'name the folder that holds the parts, further ones with --media',
    });
  }
  const magic = Buffer.alloc(5);
  const handle = await run.disk.open(file, 'read').catch((error: unknown) => {
    throw diskError(error, file, 'read');
  });
  try {
    await handle.read(magic, 257);
  } finally {
    await handle.close();
  }
  if (magic.toString('latin1') !== 'ustar')
    throw new AirlockError('BUNDLE_NOT_FOUND', `${file} is no volume of a bundle: it is no tar archive`, {
      hint: bundleHint,
    });
}

/** A folder of such a name is none of ours. */
function isVolume({ name, kind }: DiskEntry): boolean {
  return kind !== 'directory' && volumeNumber(name) !== undefined;
}

/** `only`: the volume that the user named; the index is looked for in it and beside it. */
async function openFolder(folder: string, only: string | undefined, run: Run): Promise<Bundle> {
  const side = await readSideIndex(folder, run);
  if (side) return finishOpen(folder, side, run);
  const names = (await run.disk.list(folder)).filter(isVolume).map((entry) => entry.name);
  const first = only ?? names[0];
  if (first === undefined) throw new AirlockError('BUNDLE_NOT_FOUND', `${folder} holds no volume of a bundle`);
  const inside = await readInnerIndex(path.join(folder, first), run);
  if (inside) return finishOpen(folder, inside, run);
  const wanted = only === undefined ? names : [only];
  return indexForeign(folder, wanted, run);
}

/** An index with its facts. */
interface ReadIndex {
  readonly index: BundleIndex;
  readonly facts: IndexFacts;
}

async function finishOpen(folder: string, { index, facts }: ReadIndex, run: Run): Promise<Bundle> {
  if (index.engine === 'builtin') assertPlaces(index);
  return {
    folder,
    kind: index.engine === 'builtin' ? 'airlock' : 'adopted',
    index,
    facts,
    indexDigest: digestFromHex(facts.sha256),
    volumes: await findVolumes(folder, index, facts, run),
  };
}

/** The small files beside the volumes, when they are there and fit each other; the volumes themselves are asked otherwise. */
async function readSideIndex(folder: string, run: Run): Promise<ReadIndex | undefined> {
  const checksums = await findFile(path.join(folder, sideNames.checksums), run, 1024);
  if (!checksums || checksums.length !== checksumsBytes) return undefined;
  const signature = ((await findFile(path.join(folder, sideNames.signature), run, 1024)) ?? Buffer.alloc(0))
    .toString('latin1')
    .trim();
  const file = path.join(folder, sideNames.index);
  if (signature.length > signatureSlotBytes || (await run.disk.stat(file))?.kind !== 'file') return undefined;
  try {
    const read = await hashedIndex(readFileFrom(file, 0, run), signature);
    return checksumsText(read.facts).equals(checksums) ? read : undefined;
  } catch (error) {
    if (isAirlockError(error, 'BUNDLE_INVALID')) return undefined;
    throw diskError(error, file, 'read');
  }
}

/** The index inside a volume; undefined when its first member is another: real oc-mirror's. */
async function readInnerIndex(file: string, run: Run): Promise<ReadIndex | undefined> {
  const name = path.basename(file);
  const size = (await run.disk.stat(file))?.sizeBytes ?? 0;
  if (size === 0) throw new AirlockError('BUNDLE_INVALID', `${name} is empty`, { hint: 'copy it again' });
  try {
    const handle = await run.disk.open(file, 'read');
    try {
      const members = scanVolume(handle, size, name);
      const first = (await members.next()).value;
      if (first?.path !== bundleNames.index) return undefined;
      if (first.size > indexLimits.bytes) throw new AirlockError('BUNDLE_INVALID', `the index in ${name} is too large`);
      const [second, third] = [(await members.next()).value, (await members.next()).value];
      const read = async (place: typeof first | undefined, wanted: string, limit: number): Promise<Buffer> => {
        const bytes = Buffer.alloc(limit);
        if (place?.path !== wanted || place.size !== limit || (await handle.read(bytes, place.dataOffset)) !== limit)
          throw new AirlockError('BUNDLE_INVALID', `${wanted} is not where it should be in ${name}`);
        return bytes;
      };
      const slot = await read(second, bundleNames.signature, signatureSlotBytes);
      const checksums = await read(third, bundleNames.checksums, checksumsBytes);
      const { dataOffset, size: indexBytes } = first;
      const hash = createHash('sha256');
      const chunks: Buffer[] = [];
      for (let done = 0; done < indexBytes; ) {
        const chunk = Buffer.allocUnsafe(Math.min(1 << 20, indexBytes - done));
        const count = await handle.read(chunk, dataOffset + done);
        if (count === 0) break;
        chunks.push(chunk.subarray(0, count));
        hash.update(chunk.subarray(0, count));
        done += count;
      }
      const sha256 = hash.digest('hex');
      if (!checksums.toString('latin1').startsWith(`${sha256}  `)) {
        throw new AirlockError(
          'BUNDLE_DAMAGED',
          `${bundleNames.index} in ${name} is damaged (member at byte ${dataOffset})`,
          {
            hint: 'copy the volume again, or put index.json, index.sig and index.sha256 of the connected side beside it',
            details: { volume: name, offset: dataOffset, bytes: indexBytes, member: bundleNames.index },
          },
        );
      }
      const slotSum = digestHex(digestOf(slot));
      if (!checksums.toString('latin1').includes(`\n${slotSum}  `)) {
        throw new AirlockError(
          'BUNDLE_DAMAGED',
          `${bundleNames.signature} in ${name} is damaged (member at byte ${second?.dataOffset ?? 0})`,
          {
            hint: 'copy the volume again',
            details: {
              volume: name,
              offset: second?.dataOffset,
              bytes: signatureSlotBytes,
              member: bundleNames.signature,
            },
          },
        );
      }
      const facts = { sizeBytes: indexBytes, sha256, signature: slot.toString('latin1').trim() };
      return { index: await parseIndex(chunks), facts };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw diskError(error, file, 'read');
  }
}

async function hashedIndex(chunks: AsyncIterable<Uint8Array>, signature: string): Promise<ReadIndex> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const tee = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > indexLimits.bytes) throw new AirlockError('BUNDLE_INVALID', 'the index is too large');
      yield chunk;
    }
  };
  const index = await parseIndex(tee());
  return { index, facts: { sizeBytes, sha256: hash.digest('hex'), signature } };
}
