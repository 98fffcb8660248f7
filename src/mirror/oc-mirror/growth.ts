import path from 'node:path';
import type { Stage } from '../../core/events.ts';
import type { Run } from '../../core/run.ts';
import { storageRoot } from '../../oci/index.ts';
import { places } from './dialect.ts';

/** Looks at growing folders now and then; `stop` takes a last look and ends it. */
export interface GrowthWatch {
  stop(): Promise<void>;
}

const intervalMs = 1000;

/**
 * Reports how many bytes came into the cache and into the archive since the start: the binary itself never counts bytes. Blobs that are
 * finished are looked at once; a look that takes long makes the pause after it longer.
 */
export function watchGrowth(
  folders: { readonly cache: string; readonly archive?: string },
  stage: Stage,
  run: Run,
): GrowthWatch {
  const root = path.join(folders.cache, places.cache, storageRoot);
  const blobs = new BlobCounter(path.join(root, 'blobs', 'sha256'));
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let startBytes: number | undefined;
  const look = async (): Promise<void> => {
    const cacheBytes = (await blobs.count(run)) + (await uploadBytes(path.join(root, 'repositories'), run));
    startBytes ??= cacheBytes;
    const grown = Math.max(0, cacheBytes - startBytes);
    if (grown > 0) run.report({ stage, subject: 'oc-mirror cache', state: 'active', doneBytes: grown });
    const archive = folders.archive === undefined ? 0 : await archiveBytes(folders.archive, run);
    if (archive > 0) run.report({ stage, subject: 'oc-mirror archive', state: 'active', doneBytes: archive });
  };
  let looking = Promise.resolve();
  const tick = (): void => {
    const started = performance.now();
    // Files come and go while it is looked: what cannot be read now is read the next time.
    looking = look()
      .catch(() => {})
      .then(() => {
        if (!stopped) timer = setTimeout(tick, Math.max(intervalMs, (performance.now() - started) * 10)).unref();
      });
  };
  tick();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
      await look().catch(() => {});
    },
  };
}

/** Blobs never change once they are named: each is counted once. */
class BlobCounter {
  readonly #folder: string;
  readonly #known = new Map<string, number>();
  #bytes = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async count(run: Run): Promise<number> {
    for (const shard of await run.disk.list(this.#folder)) {
      for (const blob of await run.disk.list(path.join(this.#folder, shard.name))) {
        if (this.#known.has(blob.name)) continue;
        const stat = await run.disk.stat(path.join(this.#folder, shard.name, blob.name, 'data'));
        if (!stat) continue;
        this.#known.set(blob.name, stat.sizeBytes);
        this.#bytes += stat.sizeBytes;
      }
    }
    return this.#bytes;
  }
}

/** Layers under way: `<repository>/_uploads/<id>/data`. */
async function uploadBytes(folder: string, run: Run): Promise<number> {
  let bytes = 0;
  for (const entry of await run.disk.list(folder)) {
    if (entry.kind !== 'directory' || entry.name === '_layers' || entry.name === '_manifests') continue;
    const below = path.join(folder, entry.name);
    if (entry.name !== '_uploads') bytes += await uploadBytes(below, run);
    else
      for (const upload of await run.disk.list(below))
        bytes += (await run.disk.stat(path.join(below, upload.name, 'data')))?.sizeBytes ?? 0;
  }
  return bytes;
}

async function archiveBytes(folder: string, run: Run): Promise<number> {
  let bytes = 0;
  for (const entry of await run.disk.list(folder))
    if (places.archive.test(entry.name)) bytes += (await run.disk.stat(path.join(folder, entry.name)))?.sizeBytes ?? 0;
  return bytes;
}
