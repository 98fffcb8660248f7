import type { DiskFile } from '../../core/disk.ts';
import type { BlobHandle } from './content-store.ts';

/** A blob that is a byte range of an open file: all of it in a storage tree, a member's data in a tar volume. Closing it closes the file. */
export function sliceOfFile(file: DiskFile, offsetBytes: number, sizeBytes: number): BlobHandle {
  return {
    sizeBytes,
    ...(file.fd === undefined ? {} : { source: sourceOf(file, offsetBytes) }),
    async read(buffer, positionBytes) {
      const wanted = Math.min(buffer.length, sizeBytes - positionBytes);
      if (wanted <= 0) return 0;
      return file.read(wanted === buffer.length ? buffer : buffer.subarray(0, wanted), offsetBytes + positionBytes);
    },
    close: () => file.close(),
  };
}

function sourceOf(file: DiskFile, offsetBytes: number): NonNullable<BlobHandle['source']> {
  return {
    get fd() {
      return file.fd ?? -1;
    },
    offsetBytes,
  };
}

const chunkBytes = 1 << 20;

/**
 * The bytes of a blob from `startBytes` to before `endBytes`, in chunks that the consumer may keep; ends early when the file is shorter
 * than it was said to be. The handle is closed at the end, also when the consumer stops early.
 */
export async function* readSlice(handle: BlobHandle, startBytes: number, endBytes: number): AsyncGenerator<Buffer> {
  try {
    for (let position = startBytes; position < endBytes; ) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, endBytes - position));
      const count = await handle.read(buffer, position);
      if (count === 0) return;
      position += count;
      yield buffer.subarray(0, count);
    }
  } finally {
    await handle.close();
  }
}
