import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { Decompress } from 'fzstd';

// With Node's default of 16 KiB gunzip is half as fast (test-bench §7).
const chunkBytes = 256 << 10;
// A block of 4 bytes may stand for 128 KiB, and what a piece gives is held at once.
const pieceBytes = 4 << 10;

/** Decompresses gzip in flat memory. Fails with the errors of zlib. */
export function gunzip(bytes: AsyncIterable<Buffer>): AsyncIterable<Uint8Array> {
  return through(bytes, zlib.createGunzip({ chunkSize: chunkBytes }));
}

/**
 * Decompresses Zstandard, all its frames, in memory of the frames' window: with Node's own where there is one (22.15 and newer), else with fzstd.
 * @see RFC 8878
 */
export function unzstd(bytes: AsyncIterable<Buffer>): AsyncIterable<Uint8Array> {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  return typeof create === 'function'
    ? through(bytes, create({ chunkSize: chunkBytes }) as NodeJS.ReadWriteStream)
    : unzstdWithoutNode(bytes);
}

/** As `unzstd` on a Node.js without Zstandard. */
export async function* unzstdWithoutNode(bytes: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const ready: Uint8Array[] = [];
  const decompress = new Decompress((chunk) => void ready.push(chunk));
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      decompress.push(chunk.subarray(at, at + pieceBytes));
      yield* ready.splice(0);
    }
  }
  decompress.push(new Uint8Array(0), true);
  yield* ready.splice(0);
}

async function* through(bytes: AsyncIterable<Buffer>, stream: NodeJS.ReadWriteStream): AsyncGenerator<Uint8Array> {
  const input = Readable.from(bytes, { objectMode: false });
  const output = input.pipe(stream) as unknown as Readable;
  input.on('error', (error) => output.destroy(error));
  try {
    yield* output as AsyncIterable<Buffer>;
  } finally {
    input.destroy();
  }
}
