import { expect, test } from 'vitest';
import { type BodyLink, DirectBody } from '../../src/core/http-direct-body.ts';
import type { ByteSink } from '../../src/core/http-pour.ts';
import { seededBytes } from '../helpers/scripted-registry.ts';

const scratchBytes = 64;
const content = seededBytes('body', 4096);

/** A connection as Node's `onread` option makes it: it asks for the next room as soon as it was told of the last read, and keeps to it over a pause. */
function connection(body: (link: BodyLink) => DirectBody) {
  const scratch = Buffer.alloc(scratchBytes);
  let isReading = true;
  const link: BodyLink = {
    pause: () => {},
    resume: () => {
      isReading = true;
    },
    received: () => {},
    abandon: () => {},
    translate: (error) => error,
    scratch,
  };
  const made = body(link);
  let next: Uint8Array = scratch;
  let at = 0;
  /** Bytes that went through the scratch. */
  let copied = 0;
  const readAll = async (): Promise<void> => {
    while (at < content.length) {
      if (!isReading) {
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      const count = Math.min(next.length, content.length - at, 100);
      next.set(content.subarray(at, at + count));
      at += count;
      if (next === scratch) copied += count;
      isReading = made.onRead(count, next);
      next = made.room();
    }
  };
  return { body: made, readAll, copied: () => copied };
}

/** Blocks of `blockBytes`; `wait` is what a full one takes. */
function blocks(blockBytes: number, wait: () => Promise<void> | undefined) {
  const block = Buffer.alloc(blockBytes);
  const got: Buffer[] = [];
  let filled = 0;
  const sink: ByteSink = {
    room: () => block.subarray(filled),
    took(count) {
      filled += count;
      if (filled < blockBytes) return undefined;
      got.push(Buffer.from(block));
      filled = 0;
      return wait();
    },
  };
  return { sink, bytes: () => Buffer.concat([...got, block.subarray(0, filled)]) };
}

test('after its first bytes a body is read straight into the sink', async () => {
  const { body, readAll, copied } = connection((link) => new DirectBody(content.length, Buffer.alloc(0), link));
  const { sink, bytes } = blocks(1000, () => undefined);
  const poured = body.pour(sink);
  await new Promise((resolve) => setImmediate(resolve));
  await readAll();
  await poured;
  expect(bytes().equals(content)).toBe(true);
  expect(copied()).toBe(scratchBytes);
});

test('a sink that lets the connection wait costs one copied read each time', async () => {
  const { body, readAll, copied } = connection((link) => new DirectBody(content.length, Buffer.alloc(0), link));
  const { sink, bytes } = blocks(1000, () => new Promise((resolve) => setImmediate(resolve)));
  const poured = body.pour(sink);
  await new Promise((resolve) => setImmediate(resolve));
  await readAll();
  await poured;
  expect(bytes().equals(content)).toBe(true);
  expect(copied()).toBe(scratchBytes * 5);
});

test('a read through the scratch that fills more than the room is left waits with the rest', async () => {
  const { body, readAll } = connection((link) => new DirectBody(content.length, Buffer.alloc(0), link));
  const { sink, bytes } = blocks(7, () => new Promise((resolve) => setImmediate(resolve)));
  const poured = body.pour(sink);
  await readAll();
  await poured;
  expect(bytes().equals(content)).toBe(true);
});
