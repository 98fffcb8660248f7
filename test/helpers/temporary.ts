import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** A fresh folder that is removed when the test is over. Only inside a test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'airlock-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A fresh folder for a whole suite: made in `beforeAll`, and removed by the caller in `afterAll`. */
export function suiteFolder(): Promise<string> {
  return mkdtemp(path.join(os.tmpdir(), 'airlock-suite-'));
}
