import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { diskError } from '../../core/files.ts';
import { assertRunning, type Run } from '../../core/run.ts';
import { type Digest, type DigestAlgorithm, digestAlgorithm } from '../digest.ts';
import { openUpload, reopenUpload, type UploadPlace } from './blob-upload.ts';
import type { BlobUpload, ContentWriter, ResumableUpload, UploadName } from './content-store.ts';
import { writeLink } from './link-files.ts';
import { blobPath, layerLinkPath, revisionLinkPath, tagIndexLinkPath, tagLinkPath, tagPath } from './paths.ts';
import { FilePlacer } from './place.ts';
import { findManifestBytes } from './referrers.ts';
import { StorageReader } from './storage-reader.ts';
import { takeUpload, uploadFiles } from './upload-files.ts';

export interface StorageOptions {
  /**
   * `each` (default): a blob or link that has its final name survives a power loss. `none`: for content that can be made again at any time,
   * such as a demo; after a power loss files may be torn.
   */
  readonly sync?: 'each' | 'none';
}

// Beside `docker`, where distribution never looks, and on its file system, so that a rename is enough.
const temporaryFolder = '.airlock-uploads';

/**
 * A storage tree: `root` is the folder that holds `docker/registry/v2` (distribution's `rootdirectory`). It need not exist yet. Several
 * processes may read and write it at once, distribution itself among them.
 */
export function openStorage(root: string, options: StorageOptions = {}): Storage {
  return new Storage(root, options);
}

/** Distribution's filesystem layout on disk, read and written. Made by `openStorage`. */
export class Storage extends StorageReader implements ContentWriter {
  readonly #placer: FilePlacer;

  constructor(root: string, options: StorageOptions) {
    super(root);
    this.#placer = new FilePlacer(root, options.sync !== 'none');
  }

  get writer(): ContentWriter {
    return this;
  }

  startBlob(run: Run, algorithm: DigestAlgorithm = 'sha256'): Promise<BlobUpload> {
    return openUpload(this.#place(this.#temporary()), algorithm, run);
  }

  async startUpload(name: UploadName, algorithm: DigestAlgorithm, run: Run): Promise<ResumableUpload> {
    const files = await uploadFiles(this.path(temporaryFolder), name);
    return openUpload(this.#place(files.mine, files.parked), algorithm, run);
  }

  async resumeUpload(name: UploadName, run: Run): Promise<ResumableUpload | undefined> {
    const files = await uploadFiles(this.path(temporaryFolder), name);
    return (await takeUpload(files, run)) ? reopenUpload(this.#place(files.mine, files.parked), run) : undefined;
  }

  /**
   * Stores a whole blob from its chunks, in place of one that is there. Ask `findBlob` first to save the work.
   * @throws AirlockError DIGEST_MISMATCH, DISK_FULL, FILE_UNWRITABLE, CANCELLED
   */
  async putBlob(digest: Digest, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, run: Run): Promise<void> {
    const upload = await this.startBlob(run, digestAlgorithm(digest));
    try {
      for await (const chunk of content) {
        assertRunning(run);
        await upload.write(chunk);
      }
    } catch (error) {
      await upload.discard().catch(() => {});
      throw error;
    }
    await upload.commit(digest);
  }

  async linkLayer(repository: string, digest: Digest, run: Run): Promise<void> {
    await this.#link(layerLinkPath(repository, digest), digest, run);
  }

  async linkRevision(repository: string, digest: Digest, run: Run): Promise<void> {
    await this.#link(revisionLinkPath(repository, digest), digest, run);
  }

  /** Points a tag at a manifest and adds that to the tag's history. */
  async linkTag(repository: string, tag: string, digest: Digest, run: Run): Promise<void> {
    // History first, as distribution does: its delete by digest finds tags through it.
    await this.#link(tagIndexLinkPath(repository, tag, digest), digest, run);
    await this.#link(tagLinkPath(repository, tag), digest, run);
  }

  async putManifest(
    repository: string,
    manifest: { readonly digest: Digest; readonly bytes: Uint8Array; readonly tags: readonly string[] },
    run: Run,
  ): Promise<void> {
    const { digest, bytes, tags } = manifest;
    const there = await findManifestBytes(this, digest, run);
    if (!there?.equals(bytes)) await this.putBlob(digest, [bytes], run);
    await this.linkRevision(repository, digest, run);
    for (const tag of tags) await this.linkTag(repository, tag, digest, run);
  }

  async unlinkLayer(repository: string, digest: Digest, run: Run): Promise<boolean> {
    if (!(await this.hasLayer(repository, digest, run))) return false;
    await this.#remove(path.dirname(layerLinkPath(repository, digest)), run);
    return true;
  }

  async deleteManifest(repository: string, digest: Digest, run: Run): Promise<boolean> {
    if (!(await this.hasRevision(repository, digest, run))) return false;
    // Tags first: a crash in between leaves a manifest without tags, never a tag without its manifest.
    for (const tag of await this.listTags(repository, run)) {
      if ((await this.findTag(repository, tag, run)) === digest) await this.deleteTag(repository, tag, run);
      else await this.#remove(path.dirname(tagIndexLinkPath(repository, tag, digest)), run);
    }
    await this.#remove(path.dirname(revisionLinkPath(repository, digest)), run);
    return true;
  }

  async deleteTag(repository: string, tag: string, run: Run): Promise<boolean> {
    const current = tagLinkPath(repository, tag);
    if ((await run.disk.stat(this.path(current))) === undefined) return false;
    // The link that makes the tag visible goes first, so that no reader meets a tag that is half gone.
    await run.disk.remove(this.path(current));
    await this.#remove(tagPath(repository, tag), run);
    return true;
  }

  async collectStale(ageMs: number, run: Run): Promise<number> {
    const before = run.now().getTime() - ageMs;
    let freedBytes = 0;
    for (const entry of await run.disk.list(this.path(temporaryFolder))) {
      const file = this.path(`${temporaryFolder}/${entry.name}`);
      const stat = await run.disk.stat(file);
      if (!stat || stat.modifiedAt.getTime() > before) continue;
      await run.disk.remove(file);
      freedBytes += stat.sizeBytes;
    }
    return freedBytes;
  }

  /** Removes a blob's bytes whoever links to it; for garbage collection. */
  async removeBlob(digest: Digest, run: Run): Promise<void> {
    await this.#remove(path.dirname(blobPath(digest)), run);
  }

  #place(temporary: string, parked?: string): UploadPlace {
    const target = (digest: Digest): string => this.path(blobPath(digest));
    return { temporary, target, placer: this.#placer, ...(parked === undefined ? {} : { parked }) };
  }

  #temporary(): string {
    return this.path(`${temporaryFolder}/${randomUUID()}`);
  }

  #link(relative: string, digest: Digest, run: Run): Promise<boolean> {
    return writeLink(this.path(relative), digest, { temporary: this.#temporary(), placer: this.#placer }, run);
  }

  async #remove(relative: string, run: Run): Promise<void> {
    const target = this.path(relative);
    try {
      await this.#placer.remove(target, run);
    } catch (error) {
      throw diskError(error, target, 'write');
    }
  }
}
