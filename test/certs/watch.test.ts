import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { issueLeaf, watchServerFiles } from '../../src/certs/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { now, testAuthority } from './pki.ts';

test('watchServerFiles hands on a renewed pair once, and never a half-written one', async () => {
  const folder = await temporaryFolder();
  const ca = await testAuthority();
  const issue = () => issueLeaf({ ca, names: ['web'], addresses: [], validityDays: 1, now });
  const [first, second] = [await issue(), await issue()];
  const files = {
    certificateFile: path.join(folder, 'server.crt'),
    keyFile: path.join(folder, 'server.key'),
    intervalMs: 10,
  };
  await writeFile(files.certificateFile, first.certificatePem);
  await writeFile(files.keyFile, first.keyPem);
  const seen: string[] = [];
  onTestFinished(
    watchServerFiles(files, first, (certificatePem, keyPem) => seen.push(certificatePem + keyPem), quietRun()),
  );
  await writeFile(files.keyFile, second.keyPem);
  await new Promise((resolve) => setTimeout(resolve, 60));
  await writeFile(files.certificateFile, second.certificatePem.slice(0, 500));
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(seen).toEqual([]);
  await writeFile(files.certificateFile, second.certificatePem);
  await expect.poll(() => seen).toEqual([second.certificatePem + second.keyPem]);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(seen).toHaveLength(1);
});
