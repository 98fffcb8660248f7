import path from 'node:path';
import type { DiskFile } from '../core/disk.ts';
import { diskError, findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { type Digest, digestHex, digestOf } from '../oci/index.ts';

/**
 * What planning had to read whole (manifests, release manifest layers, catalog layers, rebuilt catalogs), by digest, for `build` to move
 * into the bundle: the one exception to "no cache" (design §4). Lies in `DIR/.airlock/blobs/sha256/<hex>`.
 */
export interface KeptBlobs {
  /** Where a blob lies or would lie. */
  path(digest: Digest): string;
  has(digest: Digest, run: Run): Promise<boolean>;
  /** Its bytes when they are in memory, as those of small blobs that were put or found lately are. */
  held(digest: Digest): Buffer | undefined;
  /** Its bytes when they are there and still right; a damaged one counts as absent. For content that fits in memory. */
  find(digest: Digest, run: Run): Promise<Buffer | undefined>;
  /** Keeps bytes under their digest. They survive a power loss after `settle` only. */
  put(bytes: Uint8Array, run: Run): Promise<Digest>;
  /** Makes all that was put survive a power loss: to be called before a plan is written that names it. */
  settle(run: Run): Promise<void>;
  /**
   * Keeps a large blob: `fill` writes it to a temporary file and returns its digest once it has checked it; then it gets its name.
   */
  putFile(fill: (file: DiskFile) => Promise<Digest>, run: Run): Promise<Digest>;
}

const heldBytes = 16 << 20;
const smallBytes = 64 << 10;

/** Small blobs in memory, up to a bound: a plan asks for the same manifest again and again. */
function createHeld() {
  const blobs = new Map<Digest, Buffer>();
  let left = heldBytes;
  return {
    find: (digest: Digest) => blobs.get(digest),
    keep(digest: Digest, bytes: Uint8Array): void {
      if (bytes.length > Math.min(left, smallBytes) || blobs.has(digest)) return;
      left -= bytes.length;
      blobs.set(digest, Buffer.from(bytes));
    },
  };
}

// So few are synced one by one; for more, one call for the whole file system costs less.
const fewFiles = 32;

async function syncFile(file: string, run: Run): Promise<void> {
  const handle = await run.disk.open(file, 'read');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Kept blobs below a workspace folder. */
export function openKeptBlobs(workspace: string): KeptBlobs {
  const folder = path.join(workspace, 'blobs', 'sha256');
  const where = (digest: Digest): string => path.join(folder, digestHex(digest));
  // Written or looked at by us.
  const known = new Set<Digest>();
  const held = createHeld();
  const unsettled: Digest[] = [];
  let made: Promise<void> | undefined;
  const makeFolder = (run: Run): Promise<void> => {
    made ??= run.disk.makeDirectory(folder).catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
  // One look at the folder instead of one for each of thousands of manifests.
  let found: Promise<ReadonlySet<string>> | undefined;
  const listFound = (run: Run): Promise<ReadonlySet<string>> => {
    found ??= run.disk.list(folder).then(
      (entries) => new Set(entries.map(({ name }) => name)),
      (error: unknown) => {
        found = undefined;
        throw diskError(error, folder, 'read');
      },
    );
    return found;
  };
  let counter = 0;
  const nextTemporary = (): string => {
    counter += 1;
    return path.join(folder, `.incoming-${process.pid}-${counter}`);
  };
  const find = async (digest: Digest, run: Run): Promise<Buffer | undefined> => {
    const inMemory = held.find(digest);
    if (inMemory) return inMemory;
    const bytes = await findFile(where(digest), run, 1 << 30);
    if (!bytes || digestOf(bytes) !== digest) return undefined;
    known.add(digest);
    held.keep(digest, bytes);
    return bytes;
  };
  // Two syncs for each of thousands of manifests took longer than fetching them.
  const write = async (digest: Digest, bytes: Uint8Array, run: Run): Promise<void> => {
    const temporary = nextTemporary();
    try {
      await makeFolder(run);
      const file = await run.disk.open(temporary, 'create');
      try {
        await file.write(bytes, 0);
      } finally {
        await file.close();
      }
      await run.disk.rename(temporary, where(digest));
    } catch (error) {
      await run.disk.remove(temporary).catch(() => {});
      throw diskError(error, where(digest), 'write');
    }
  };
  return {
    path: where,
    held: held.find,
    has: async (digest, run) => (await run.disk.stat(where(digest)))?.kind === 'file',
    find,
    async put(bytes, run) {
      const digest = digestOf(bytes);
      if (known.has(digest)) return digest;
      // What an earlier run left may be torn.
      const isThere = (await listFound(run)).has(digestHex(digest)) && (await find(digest, run)) !== undefined;
      if (!isThere) {
        await write(digest, bytes, run);
        unsettled.push(digest);
      }
      known.add(digest);
      held.keep(digest, bytes);
      return digest;
    },
    async settle(run) {
      const digests = unsettled.splice(0);
      if (digests.length === 0) return;
      try {
        if (digests.length > fewFiles && (await run.disk.syncFileSystem?.(folder))) return;
        for (const digest of digests) await syncFile(where(digest), run);
        await run.disk.syncDirectory(folder);
      } catch (error) {
        throw diskError(error, folder, 'write');
      }
    },
    async putFile(fill, run) {
      const temporary = nextTemporary();
      await makeFolder(run);
      await run.disk.remove(temporary);
      try {
        const file = await run.disk.open(temporary, 'create');
        let digest: Digest;
        try {
          digest = await fill(file);
          await file.sync();
        } finally {
          await file.close();
        }
        await run.disk.rename(temporary, where(digest));
        return digest;
      } catch (error) {
        await run.disk.remove(temporary).catch(() => {});
        throw error;
      }
    },
  };
}
