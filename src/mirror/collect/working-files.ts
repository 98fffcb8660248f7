import { createHash } from 'node:crypto';
import type { Collector } from './collector.ts';

/** Adds a small file below `working-dir/`, where real oc-mirror looks for it when it loads the bundle (reference §4.7). */
export function addWorkingFile(collector: Collector, path: string, bytes: Uint8Array, origin: string): void {
  const file = `working-dir/${path}`;
  if (collector.files.some((known) => known.path === file)) return;
  collector.files.push({
    path: file,
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    mode: 0o644,
    role: 'working-dir',
    content: { kind: 'inline', base64: Buffer.from(bytes).toString('base64') },
    origin,
  });
}
