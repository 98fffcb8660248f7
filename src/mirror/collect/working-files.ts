import type { Run } from '../../core/run.ts';
import { digestHex, digestOf } from '../../oci/index.ts';
import type { FileContent } from '../../plan/index.ts';
import type { Collector } from './collector.ts';

// A plan stays readable: what is longer lies in the workspace.
const inlineLimitBytes = 16 << 10;

/** Adds a small file below `working-dir/`, where real oc-mirror looks for it when it loads the bundle (reference §4.7). The first one of a path counts. */
export function addWorkingFile(collector: Collector, path: string, bytes: Uint8Array, origin: string): void {
  push(collector, path, bytes, origin, { kind: 'inline', base64: Buffer.from(bytes).toString('base64') });
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
  push(collector, path, bytes, origin, { kind: 'kept' });
}

function push(collector: Collector, path: string, bytes: Uint8Array, origin: string, content: FileContent): void {
  const file = `working-dir/${path}`;
  if (collector.files.some((known) => known.path === file)) return;
  collector.files.push({
    path: file,
    sizeBytes: bytes.length,
    sha256: digestHex(digestOf(bytes)),
    mode: 0o644,
    role: 'working-dir',
    content,
    origin,
  });
}
