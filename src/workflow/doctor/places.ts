import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import type { Bundle } from '../../bundle/index.ts';
import { errorText } from '../../core/errors.ts';
import type { Finding } from '../../core/findings.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import { blobPath } from '../../oci/index.ts';
import { checkSpace } from '../../plan/index.ts';

/** Whether this user may make and change things in folders, or in the nearest one that is there. */
export async function checkFolders(folders: readonly string[], run: Run): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const folder of folders) {
    const there = await nearest(folder, run);
    try {
      await access(there, constants.W_OK | constants.X_OK);
    } catch (error) {
      findings.push({
        code: 'DOCTOR_FOLDER_CLOSED',
        severity: 'error',
        subject: folder,
        message: `this user may not write to ${there}: ${errorText(error)}`,
        hint: 'run this as the user who will run the services, or name other folders in spec.paths',
      });
    }
  }
  return findings;
}

/** Whether what bundles bring fits: blobs that the storage lacks, in whole blocks, and files for the web server. */
export async function checkRoom(
  bundles: readonly Bundle[],
  { storage, web }: { readonly storage: string; readonly web: string },
  run: Run,
): Promise<Finding[]> {
  const sizes = new Map<string, number>();
  for (const { digest, size } of bundles.flatMap((bundle) => bundle.index.blobs)) sizes.set(digest, size);
  const blobs = [...sizes];
  const there = await mapLimited(blobs, 16, ([digest]) =>
    run.disk.stat(path.join(storage, blobPath(digest as Bundle['indexDigest']))),
  );
  const files = bundles.flatMap(({ index }) =>
    index.files.flatMap(({ webPath, size }) =>
      webPath === undefined ? [] : [{ file: path.join(web, webPath), size }],
    ),
  );
  const served = await mapLimited(files, 16, ({ file }) => run.disk.stat(file));
  const needs = [
    { folder: storage, sizes: blobs.flatMap(([, size], at) => (there[at] ? [] : [size])) },
    { folder: web, sizes: files.flatMap(({ size }, at) => (served[at]?.sizeBytes === size ? [] : [size])) },
  ];
  // Folders of one file system share its room.
  const shares = new Map<number, { readonly folder: string; allocatedBytes: number; files: number }>();
  for (const need of needs) {
    const at = await nearest(need.folder, run);
    const device = (await run.disk.stat(at))?.device ?? 0;
    const { blockBytes } = await run.disk.space(at);
    const share = shares.get(device) ?? { folder: at, allocatedBytes: 0, files: 0 };
    share.allocatedBytes += need.sizes.reduce((sum, size) => sum + Math.ceil(size / blockBytes) * blockBytes, 0);
    share.files += need.sizes.length;
    shares.set(device, share);
  }
  const findings: Finding[] = [];
  for (const { folder, allocatedBytes, files: count } of shares.values()) {
    const need = { host: 'bastion', purpose: 'registry', bytes: allocatedBytes, allocatedBytes, files: count } as const;
    const short = checkSpace(need, folder, await run.disk.space(folder));
    if (short) findings.push(short);
  }
  return findings;
}

async function nearest(folder: string, run: Run): Promise<string> {
  for (let at = folder; ; at = path.dirname(at))
    if ((await run.disk.stat(at)) !== undefined || at === path.dirname(at)) return at;
}
