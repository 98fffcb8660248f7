import type { Run } from '../../core/run.ts';
import { type Digest, digestHex, digestOf } from '../../oci/index.ts';
import type { FileContent, SelectedFile } from '../../plan/index.ts';
import type { Collector } from './collector.ts';

// A plan stays readable: what is longer lies in the workspace.
const inlineLimitBytes = 16 << 10;

/** Adds a small file below `working-dir/`, where real oc-mirror looks for it when it loads the bundle (reference §4.7). The first one of a path counts. */
export function addWorkingFile(collector: Collector, path: string, bytes: Uint8Array, origin: string): void {
  push(collector, path, measure(bytes), origin, { kind: 'inline', base64: Buffer.from(bytes).toString('base64') });
}

/** As `addWorkingFile`, for a file of any size: a large one goes to the workspace. */
export async function keepWorkingFile(
  collector: Collector,
  path: string,
  bytes: Uint8Array,
  origin: string,
  run: Run,
): Promise<void> {
  if (bytes.length <= inlineLimitBytes) return addWorkingFile(collector, path, bytes, origin);
  await collector.kept.put(bytes, run);
  push(collector, path, measure(bytes), origin, { kind: 'kept' });
}

/** As `addWorkingFile`, for a blob that the workspace holds already. */
export function linkWorkingFile(
  collector: Collector,
  path: string,
  blob: { readonly digest: Digest; readonly size: number },
  origin: string,
): void {
  push(collector, path, { sizeBytes: blob.size, sha256: digestHex(blob.digest) }, origin, { kind: 'kept' });
}

type Measures = Pick<SelectedFile, 'sizeBytes' | 'sha256'>;

function measure(bytes: Uint8Array): Measures {
  return { sizeBytes: bytes.length, sha256: digestHex(digestOf(bytes)) };
}

function push(collector: Collector, path: string, measures: Measures, origin: string, content: FileContent): void {
  const file = `working-dir/${path}`;
  if (collector.files.some((known) => known.path === file)) return;
  collector.files.push({
    path: file,
    ...measures,
    mode: 0o644,
    role: 'working-dir',
    content,
    origin,
  });
}
