import type { PourSink } from '../../src/core/http-pour.ts';

/** A sink that keeps all it is given; begins with `receivedBytes` as if it had them. */
export function collectingSink(receivedBytes = 0) {
  const room = Buffer.alloc(1 << 16);
  const parts: Buffer[] = [];
  let received = receivedBytes;
  const sink: PourSink = {
    get receivedBytes() {
      return received;
    },
    room: () => room,
    took(count) {
      parts.push(Buffer.from(room.subarray(0, count)));
      received += count;
      return undefined;
    },
  };
  return { sink, bytes: () => Buffer.concat(parts) };
}
