import { createHash, type Hash } from 'node:crypto';
import path from 'node:path';
import type { DiskFile } from '../../core/disk.ts';
import { AirlockError } from '../../core/errors.ts';
import { diskError } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { type Digest, type DigestAlgorithm, digestAlgorithm, parseDigest } from '../digest.ts';
import type { ResumableUpload } from './content-store.ts';
import type { FilePlacer } from './place.ts';
import { readSlice, sliceOfFile } from './slice.ts';

/** Where and how an upload ends. */
export interface UploadPlace {
  readonly temporary: string;
  /** The name under which its bytes wait while nobody writes; left out: they are not kept. */
  readonly parked?: string;
  /** Where the blob goes. */
  readonly target: (digest: Digest) => string;
  readonly placer: FilePlacer;
}

/** Opens an upload under its temporary name, hashing with `algorithm` on the way. */
export async function openUpload(place: UploadPlace, algorithm: DigestAlgorithm, run: Run): Promise<ResumableUpload> {
  try {
    await run.disk.makeDirectory(path.dirname(place.temporary));
    const file = await run.disk.open(place.temporary, 'create');
    return new DiskUpload(place, { file, sizeBytes: 0, hash: createHash(algorithm), algorithm }, run);
  } catch (error) {
    throw diskError(error, place.temporary, 'write');
  }
}

/** Opens an upload whose bytes lie under its temporary name already. */
export async function reopenUpload(place: UploadPlace, run: Run): Promise<ResumableUpload> {
  try {
    const file = await run.disk.open(place.temporary, 'write');
    return new DiskUpload(place, { file, sizeBytes: await file.sizeBytes() }, run);
  } catch (error) {
    throw diskError(error, place.temporary, 'write');
  }
}

interface UploadState {
  readonly file: DiskFile;
  readonly sizeBytes: number;
  /** Of all bytes so far. Left out for an upload taken up again, which is read once more at its end: no hash state can be stored. */
  readonly hash?: Hash;
  readonly algorithm?: DigestAlgorithm;
}

class DiskUpload implements ResumableUpload {
  readonly #place: UploadPlace;
  readonly #file: DiskFile;
  readonly #algorithm: DigestAlgorithm | undefined;
  readonly #hash: Hash | undefined;
  readonly #run: Run;
  #sizeBytes: number;
  #writing: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(place: UploadPlace, { file, sizeBytes, hash, algorithm }: UploadState, run: Run) {
    this.#place = place;
    this.#file = file;
    this.#algorithm = algorithm;
    this.#hash = hash;
    this.#sizeBytes = sizeBytes;
    this.#run = run;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    // One write is under way while the next chunk is hashed; its failure shows at the next call.
    await this.#settled();
    this.#hash?.update(chunk);
    this.#writing = this.#file.write(chunk, this.#sizeBytes);
    this.#writing.catch(() => {});
    this.#sizeBytes += chunk.length;
  }

  async commit(digest: Digest): Promise<void> {
    const target = this.#place.target(digest);
    try {
      await this.#settled();
      const got = await this.#digest(digestAlgorithm(digest));
      if (got !== digest) {
        throw new AirlockError('DIGEST_MISMATCH', `digest of ${digest} does not match: got ${got}`, {
          details: { wanted: digest, got },
        });
      }
      // Also over a blob that is there: these bytes were checked just now, those may have rotted on the disk.
      if (this.#place.placer.durable) await this.#file.sync();
      await this.#place.placer.place(this.#place.temporary, target, this.#run);
      this.#over = true;
      await this.#file.close();
    } catch (error) {
      await this.discard().catch(() => {});
      throw diskError(error, target, 'write');
    }
  }

  async discard(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#writing.catch(() => {});
    await this.#file.close();
    await this.#run.disk.remove(this.#place.temporary);
  }

  async park(): Promise<void> {
    if (this.#place.parked === undefined) return this.discard();
    if (this.#over) return;
    this.#over = true;
    await this.#writing.catch(() => {});
    await this.#file.close();
    // Only a closed file gets the name under which others may take it.
    await this.#run.disk.rename(this.#place.temporary, this.#place.parked);
  }

  async #settled(): Promise<void> {
    try {
      await this.#writing;
    } catch (error) {
      throw diskError(error, this.#place.temporary, 'write');
    }
  }

  async #digest(algorithm: DigestAlgorithm): Promise<Digest> {
    if (this.#hash && algorithm === this.#algorithm)
      return parseDigest(`${algorithm}:${this.#hash.copy().digest('hex')}`);
    const hash = createHash(algorithm);
    const whole = { ...sliceOfFile(this.#file, 0, this.#sizeBytes), close: async () => {} };
    for await (const chunk of readSlice(whole, 0, this.#sizeBytes)) hash.update(chunk);
    return parseDigest(`${algorithm}:${hash.digest('hex')}`);
  }
}
