import path from 'node:path';
import { AirlockError } from '../../core/errors.ts';
import { diskError } from '../../core/files.ts';
import { mapLimited } from '../../core/limit.ts';
import { assertRunning, type Run } from '../../core/run.ts';
import { type Digest, type DigestAlgorithm, isDigest } from '../digest.ts';
import type { BlobHandle, ContentStore } from './content-store.ts';
import { readLink } from './link-files.ts';
import {
  blobPath,
  layerLinkPath,
  layersPath,
  repositoryPath,
  revisionLinkPath,
  revisionsPath,
  storageRoot,
  tagLinkPath,
  tagsPath,
} from './paths.ts';
import { sliceOfFile } from './slice.ts';

/** A blob as it lies in a storage tree. */
export interface StoredBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly writtenAt: Date;
}

const algorithms: readonly DigestAlgorithm[] = ['sha256', 'sha512'];
/** The reading half of a storage tree. What is not there, or half there, is answered as absent. */
export class StorageReader implements ContentStore {
  /** The folder that holds `docker/registry/v2`. */
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async findBlob(digest: Digest, run: Run): Promise<{ readonly sizeBytes: number } | undefined> {
    const stat = await run.disk.stat(this.path(blobPath(digest)));
    return stat?.kind === 'file' ? { sizeBytes: stat.sizeBytes } : undefined;
  }

  async openBlob(digest: Digest, run: Run): Promise<BlobHandle> {
    const file = this.path(blobPath(digest));
    const there = await this.findBlob(digest, run);
    if (!there) throw new AirlockError('BLOB_UNKNOWN', `the storage ${this.root} does not have blob ${digest}`);
    try {
      return sliceOfFile(await run.disk.open(file, 'read'), 0, there.sizeBytes);
    } catch (error) {
      throw diskError(error, file, 'read');
    }
  }

  async hasRepository(repository: string, run: Run): Promise<boolean> {
    const entries = await run.disk.list(this.path(repositoryPath(repository)));
    return entries.some((entry) => entry.name === '_manifests' || entry.name === '_layers');
  }

  async listRepositories(run: Run): Promise<string[]> {
    const found: string[] = [];
    const walk = async (name: string): Promise<void> => {
      assertRunning(run);
      const entries = await run.disk.list(
        this.path(name === '' ? `${storageRoot}/repositories` : repositoryPath(name)),
      );
      if (entries.some((entry) => entry.name === '_manifests' || entry.name === '_layers')) found.push(name);
      for (const entry of entries) {
        if (entry.kind !== 'directory' || entry.name.startsWith('_')) continue;
        await walk(name === '' ? entry.name : `${name}/${entry.name}`);
      }
    };
    await walk('');
    return found;
  }

  async listTags(repository: string, run: Run): Promise<string[]> {
    const entries = await run.disk.list(this.path(tagsPath(repository)));
    const tags = entries.filter((entry) => entry.kind === 'directory').map((entry) => entry.name);
    const there = await mapLimited(tags, 16, (tag) => run.disk.stat(this.path(tagLinkPath(repository, tag))));
    return tags.filter((_, at) => there[at] !== undefined);
  }

  findTag(repository: string, tag: string, run: Run): Promise<Digest | undefined> {
    return readLink(this.path(tagLinkPath(repository, tag)), run);
  }

  async hasRevision(repository: string, digest: Digest, run: Run): Promise<boolean> {
    return (await readLink(this.path(revisionLinkPath(repository, digest)), run)) === digest;
  }

  listRevisions(repository: string, run: Run): Promise<Digest[]> {
    return this.#listLinks(revisionsPath(repository), (digest) => revisionLinkPath(repository, digest), run);
  }

  async hasLayer(repository: string, digest: Digest, run: Run): Promise<boolean> {
    return (await readLink(this.path(layerLinkPath(repository, digest)), run)) === digest;
  }

  /** Every config and layer of the repository, sorted. */
  listLayers(repository: string, run: Run): Promise<Digest[]> {
    return this.#listLinks(layersPath(repository), (digest) => layerLinkPath(repository, digest), run);
  }

  /** Every blob, in the order of a walk. */
  async *walkBlobs(run: Run): AsyncGenerator<StoredBlob> {
    for (const algorithm of algorithms) {
      const folder = this.path(`${storageRoot}/blobs/${algorithm}`);
      for (const pair of await run.disk.list(folder)) {
        for (const entry of await run.disk.list(path.join(folder, pair.name))) {
          assertRunning(run);
          const digest = `${algorithm}:${entry.name}`;
          if (!isDigest(digest)) continue;
          const stat = await run.disk.stat(this.path(blobPath(digest)));
          if (stat?.kind === 'file') yield { digest, sizeBytes: stat.sizeBytes, writtenAt: stat.modifiedAt };
        }
      }
    }
  }

  /** When the repository came to have the blob; undefined when it has not. */
  async layerLinkedAt(repository: string, digest: Digest, run: Run): Promise<Date | undefined> {
    return (await run.disk.stat(this.path(layerLinkPath(repository, digest))))?.modifiedAt;
  }

  /** A path of the layout on this disk. */
  protected path(relative: string): string {
    return path.join(this.root, relative);
  }

  async #listLinks(folder: string, linkPath: (digest: Digest) => string, run: Run): Promise<Digest[]> {
    const digests: Digest[] = [];
    for (const algorithm of algorithms) {
      for (const entry of await run.disk.list(this.path(`${folder}/${algorithm}`))) {
        const digest = `${algorithm}:${entry.name}`;
        if (isDigest(digest)) digests.push(digest);
      }
    }
    // Distribution's delete leaves the folder without its link.
    const there = await mapLimited(digests, 16, (digest) => run.disk.stat(this.path(linkPath(digest))));
    return digests.filter((_, at) => there[at]?.kind === 'file');
  }
}
