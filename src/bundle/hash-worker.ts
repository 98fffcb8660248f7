import { Worker } from 'node:worker_threads';
import { AirlockError } from '../core/errors.ts';
import { cancellation, type Run } from '../core/run.ts';

/*
 * The sums of whole volumes are a second digest over every byte; on another thread they cost no time beside the comparison of the members.
 * The worker's code is text, so that it is there too when the tool is a single file.
 */
const workerCode = `
const { parentPort, workerData } = require('node:worker_threads');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const hash = createHash('sha256');
const buffer = Buffer.allocUnsafeSlow(1 << 20);
const file = fs.openSync(workerData, 'r');
for (let position = 0; ; ) {
  const count = fs.readSync(file, buffer, 0, buffer.length, position);
  if (count === 0) break;
  hash.update(buffer.subarray(0, count));
  position += count;
}
fs.closeSync(file);
parentPort.postMessage(hash.digest('hex'));
`;

/**
 * The sha256 (bare hex) of a whole file, worked out on a thread of its own.
 * @throws AirlockError FILE_UNREADABLE, CANCELLED
 */
export function hashOnThread(file: string, run: Run): Promise<string> {
  return new Promise((resolve, reject) => {
    if (run.signal.aborted) return reject(cancellation(run.signal));
    const worker = new Worker(workerCode, {
      eval: true,
      workerData: file,
      resourceLimits: { maxOldGenerationSizeMb: 32 },
    });
    const abort = (): void => {
      void worker.terminate();
      reject(cancellation(run.signal));
    };
    run.signal.addEventListener('abort', abort, { once: true });
    worker.once('message', resolve);
    worker.once('error', (error) =>
      reject(new AirlockError('FILE_UNREADABLE', `cannot read ${file}: ${error.message}`, { cause: error })),
    );
    worker.once('exit', (code) => {
      run.signal.removeEventListener('abort', abort);
      if (code !== 0) reject(new AirlockError('FILE_UNREADABLE', `reading ${file} ended early`));
    });
  });
}
