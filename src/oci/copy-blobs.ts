import { type Readable, Transform } from 'node:stream';
import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import {
  atOnce,
  type CopyContent,
  type CopyCounts,
  type CopyOptions,
  largeBlobBytes,
  targetRepository,
} from './copy-content.ts';
import { handleFailure } from './copy-failure.ts';
import { guarded, type MissingManifest } from './copy-survey.ts';
import type { Descriptor } from './descriptor.ts';
import type { Digest } from './digest.ts';

/** Parts that could not be brought to a repository, by `blobKey`. */
export type FailedParts = Set<string>;

/** Names a blob or manifest of one repository. */
export function blobKey(name: string, digest: Digest): string {
  return `${name} ${digest}`;
}

interface BlobJob {
  readonly blob: Descriptor;
  /** Below the prefix. */
  readonly repositories: Set<string>;
}

const reportEveryMs = 250;

/**
 * Brings every missing blob to every repository that needs it, largest first: looked for, mounted or uploaded in one repository, then mounted in
 * the others.
 */
export async function copyBlobs(
  missing: readonly Pick<MissingManifest, 'name' | 'blobs'>[],
  content: Pick<CopyContent, 'openBlob'>,
  options: CopyOptions,
  counts: CopyCounts,
  run: Run,
): Promise<FailedParts> {
  const failed: FailedParts = new Set();
  const jobs = new Map<Digest, BlobJob>();
  for (const { name, blobs } of missing) {
    for (const blob of blobs) {
      const job = jobs.get(blob.digest);
      if (job) job.repositories.add(name);
      else jobs.set(blob.digest, { blob, repositories: new Set([name]) });
    }
  }
  // The largest first: one large blob begun last would leave all other connections idle at the end.
  const ordered = [...jobs.values()].sort(
    (a, b) => b.blob.size - a.blob.size || (a.blob.digest < b.blob.digest ? -1 : 1),
  );
  run.report({
    stage: options.stage,
    state: 'total',
    totalBytes: ordered.reduce((sum, job) => sum + job.blob.size, 0),
    totalItems: ordered.length,
    doneBytes: 0,
    doneItems: 0,
  });
  const copy = async (job: BlobJob): Promise<void> => {
    let holder: string | undefined;
    for (const name of job.repositories) {
      try {
        await guarded(options, () => copyBlob(job.blob, name, holder, content, options, counts, run));
        holder = targetRepository(options, name);
      } catch (error) {
        handleFailure({ repository: name, digest: job.blob.digest, kind: 'blob', error }, options, counts, run);
        failed.add(blobKey(name, job.blob.digest));
      }
    }
  };
  const isLarge = ({ blob }: BlobJob): boolean => blob.size >= largeBlobBytes;
  const { large, small } = atOnce(options);
  await mapLimited(ordered.filter(isLarge), large, copy);
  await mapLimited(
    ordered.filter((job) => !isLarge(job)),
    small,
    copy,
  );
  return failed;
}

async function copyBlob(
  blob: Descriptor,
  name: string,
  holder: string | undefined,
  content: Pick<CopyContent, 'openBlob'>,
  options: CopyOptions,
  counts: CopyCounts,
  run: Run,
): Promise<void> {
  const { target, registry, stage } = options;
  const place = { registry, repository: targetRepository(options, name) };
  const about = { stage, subject: blob.digest, totalBytes: blob.size };
  const present = (message: string): void => run.report({ ...about, state: 'skipped', doneBytes: blob.size, message });
  // Mounting what is there already is fine: no look beforehand where a mount is likely to do.
  if (holder !== undefined && (await target.mountBlob(place, blob, holder, run))) {
    counts.mountedBlobs += 1;
    return;
  }
  // The upload itself asks too, but not every registry listens; for a small blob that costs less than another request for each.
  const asks = blob.size >= largeBlobBytes || options.asksFirst?.(blob) === true;
  if (asks && (await target.hasBlob(place, blob, run))) {
    counts.presentBlobs += 1;
    present('is there already');
    return;
  }
  for (const from of options.mountFrom?.(blob) ?? []) {
    if (from === place.repository || !(await target.mountBlob(place, blob, from, run))) continue;
    counts.mountedBlobs += 1;
    present(`mounted from ${from}`);
    return;
  }
  const open = async (offsetBytes: number): Promise<Readable> => {
    run.report({ ...about, state: 'started', doneBytes: offsetBytes });
    return countStream(await content.openBlob(name, blob, offsetBytes, run), offsetBytes, (doneBytes) =>
      run.report({ ...about, state: 'active', doneBytes }),
    );
  };
  if ((await target.pushBlob(place, blob, open, run)) === 'present') {
    counts.presentBlobs += 1;
    present('is there already');
    return;
  }
  counts.pushedBlobs += 1;
  counts.pushedBytes += blob.size;
  run.report({ ...about, state: 'finished', doneBytes: blob.size });
}

function countStream(source: Readable, offsetBytes: number, report: (doneBytes: number) => void): Readable {
  let doneBytes = offsetBytes;
  let last = performance.now();
  const counted = new Transform({
    highWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding, callback) {
      doneBytes += chunk.length;
      const now = performance.now();
      if (now - last >= reportEveryMs) {
        last = now;
        report(doneBytes);
      }
      callback(null, chunk);
    },
  });
  source.on('error', (error) => counted.destroy(error));
  counted.on('close', () => source.destroy());
  return source.pipe(counted);
}
