import { createHash } from 'node:crypto';
import type { DiskFile } from '../../core/disk.ts';
import type { Run } from '../../core/run.ts';
import { type Digest, parseDigest } from '../../oci/index.ts';
import type { KeptBlobs } from '../../plan/index.ts';
import { packageOf } from './content.ts';
import type { CatalogDocument } from './documents.ts';
import { documentRank, formatDocument } from './format.ts';
import { text } from './values.ts';

/** A file of the filtered catalog, as it will lie in the rebuilt image. */
export interface FilteredFile {
  /** Below the catalog's root: `<package>/catalog.json`, or `catalog.json` for what belongs to no package. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: Digest;
}

interface SpilledDocument {
  readonly owner: string;
  readonly key: string;
  readonly position: number;
  readonly length: number;
}

/**
 * Documents in the order of the source, set down on disk until they can be put in the order of the result: a filtered catalog may be as
 * large as its source, memory holds their places only.
 */
export class CatalogSpill {
  readonly #file: DiskFile;
  readonly #path: string;
  readonly #documents: SpilledDocument[] = [];
  #position = 0;
  #buffered: Buffer[] = [];
  #bufferedBytes = 0;

  private constructor(file: DiskFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  static async open(path: string, run: Run): Promise<CatalogSpill> {
    await run.disk.remove(path);
    return new CatalogSpill(await run.disk.open(path, 'create', 0o600), path);
  }

  async add(document: CatalogDocument): Promise<void> {
    const bytes = Buffer.from(formatDocument(document));
    const key = `${documentRank(document)}\0${text(document['schema'])}\0${text(document['name'])}`;
    this.#documents.push({ owner: folderOf(document), key, position: this.#position, length: bytes.length });
    this.#position += bytes.length;
    this.#buffered.push(bytes);
    this.#bufferedBytes += bytes.length;
    if (this.#bufferedBytes > 1 << 20) await this.#flush();
  }

  /** Puts every package's file into the workspace; sorted by path. */
  async writeFiles(kept: KeptBlobs, run: Run): Promise<FilteredFile[]> {
    await this.#flush();
    const byOwner = new Map<string, SpilledDocument[]>();
    for (const one of this.#documents) {
      const known = byOwner.get(one.owner);
      if (known) known.push(one);
      else byOwner.set(one.owner, [one]);
    }
    const files: FilteredFile[] = [];
    for (const [owner, documents] of byOwner) {
      documents.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.position - b.position));
      const sizeBytes = documents.reduce((sum, one) => sum + one.length, 0);
      const sha256 = await kept.putFile((file) => this.#copy(documents, file), run);
      files.push({ path: owner === '' ? 'catalog.json' : `${owner}/catalog.json`, sizeBytes, sha256 });
    }
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async close(run: Run): Promise<void> {
    await this.#file.close();
    await run.disk.remove(this.#path);
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#buffered);
    await this.#file.write(bytes, this.#position - bytes.length);
    this.#buffered = [];
    this.#bufferedBytes = 0;
  }

  async #copy(documents: readonly SpilledDocument[], to: DiskFile): Promise<Digest> {
    const hash = createHash('sha256');
    let written = 0;
    for (const { position, length } of documents) {
      const buffer = Buffer.allocUnsafe(length);
      for (let done = 0; done < length; ) done += await this.#file.read(buffer.subarray(done), position + done);
      hash.update(buffer);
      await to.write(buffer, written);
      written += length;
    }
    return parseDigest(`sha256:${hash.digest('hex')}`);
  }
}

/** The folder of a document: its package's, or '' where that is no name for one (only documents of foreign schemas come here with such). */
function folderOf(document: CatalogDocument): string {
  const owner = packageOf(document);
  return /^\w[\w.-]*$/.test(owner) ? owner : '';
}
