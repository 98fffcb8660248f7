import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
}

interface Manifest {
  readonly manifests?: readonly Descriptor[];
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

/** oc-mirror's cache as its embedded registry (distribution 3, filesystem driver) answers from it, with the registry's own words for what is missing. */
export class Cache {
  readonly #root: string;
  readonly #read = new Map<string, Buffer>();

  constructor(root: string) {
    this.#root = path.join(root, 'docker/registry/v2');
  }

  /** The digest a tag means. */
  resolveTag(repository: string, tag: string): string {
    const digest = this.#link(`repositories/${repository}/_manifests/tags/${tag}/current/link`);
    if (digest === undefined)
      throw new Error(`reading manifest ${tag} in localhost:55000/${repository}: manifest unknown`);
    return digest;
  }

  readManifest(repository: string, digest: string): Manifest {
    const link = this.#link(`repositories/${repository}/_manifests/revisions/sha256/${digest.slice(7)}/link`);
    if (link !== digest)
      throw new Error(`reading manifest ${digest} in localhost:55000/${repository}: manifest unknown`);
    return JSON.parse(this.#blob(digest).toString()) as Manifest;
  }

  /**
   * Reads all that a copy of `repository@digest` reads: the manifest, and of a list every instance (with `platforms` only those), configs and
   * layers, each by its link in this repository and with its size and digest right.
   */
  readImage(repository: string, digest: string, platforms?: readonly Platform[]): void {
    const manifest = this.readManifest(repository, digest);
    if (manifest.manifests) {
      const wanted = manifest.manifests.filter((one) => isWanted(one, platforms));
      if (wanted.length === 0) throw new Error('no instances found for platform');
      for (const one of wanted) this.readImage(repository, one.digest);
      return;
    }
    for (const blob of [manifest.config, ...(manifest.layers ?? [])]) if (blob) this.#readLayer(repository, blob);
  }

  #readLayer(repository: string, { digest, size }: Descriptor): void {
    const link = this.#link(`repositories/${repository}/_layers/sha256/${digest.slice(7)}/link`);
    if (link !== digest) throw new Error(`${repository}@${digest}: blob unknown to registry`);
    const bytes = this.#blob(digest);
    if (bytes.length !== size) throw new Error(`${repository}@${digest}: ${bytes.length} bytes, not ${size}`);
  }

  /** A link file is `sha256:<hex>`, 71 bytes, and nothing else. */
  #link(where: string): string | undefined {
    const file = path.join(this.#root, where);
    if (!existsSync(file)) return undefined;
    const link = readFileSync(file, 'latin1');
    if (!/^sha256:[0-9a-f]{64}$/.test(link)) throw new Error(`${where}: ${JSON.stringify(link)}`);
    return link;
  }

  #blob(digest: string): Buffer {
    const known = this.#read.get(digest);
    if (known) return known;
    const file = path.join(this.#root, 'blobs/sha256', digest.slice(7, 9), digest.slice(7), 'data');
    if (!existsSync(file)) throw new Error(`${digest}: blob unknown to registry`);
    const bytes = readFileSync(file);
    const found = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (found !== digest) throw new Error(`${digest}: the blob is ${found}`);
    this.#read.set(digest, bytes);
    return bytes;
  }
}

/** Instances without platform are kept (reference §4.4). */
function isWanted({ platform }: Descriptor, platforms: readonly Platform[] | undefined): boolean {
  if (!platforms || platforms.length === 0 || !platform) return true;
  return platforms.some((one) => one.os === platform.os && one.architecture === platform.architecture);
}
